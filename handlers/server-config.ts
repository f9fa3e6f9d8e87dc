import { join } from "node:path";
import { z } from "zod";
import { HostName, Label, Port } from "#shared/contract/names.ts";
import { type LogLevel, logLevels } from "#shared/log/log.ts";
import { type Environment, loadConfig } from "#shared/mcdsl/config.ts";
import { ListenAddress } from "#shared/mcdsl/duration.ts";
import type { DatabaseOptions } from "#shared/store/database.ts";
import { type SystemName, systemNames } from "./path-table.ts";

/** What a server of the control plane is started with. */
export interface ServerConfig {
  readonly domain: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Folder of the master key, the first admin's password, identities, join tokens and the root certificate. */
  readonly stateFolder: string;
  /** The node that shares this machine and whose proxy serves the systems' own names; none without it. */
  readonly node: LocalNode | undefined;
  readonly proxy: { readonly port: number; readonly aliasPorts: readonly number[] };
  /** `host:port` of a DNS server that must know a name before a deployment counts as proven. */
  readonly dnsServer: string | undefined;
  readonly databases: Readonly<Record<SystemName, DatabaseOptions>>;
  readonly blobFolder: string;
  /** Origins of systems that other servers run. */
  readonly peers: Readonly<Partial<Record<SystemName, string>>>;
  readonly logLevel: LogLevel;
}

/** The node on the machine of the control plane. */
export interface LocalNode {
  readonly name: string;
  /** Address by which clients reach its proxy and name server. */
  readonly address: string;
  /** Where its identity is kept; a join token is written for it while that file is missing. */
  readonly identityPath: string;
}

const Path = z.string().min(1).max(4096);
const Origin = z.url({ protocol: /^https?$/ }).max(512);
const DatabaseUrl = z.string().max(4096).regex(/^(file|libsql|https?):/, "expected a file:, libsql: or https: URL");

/** The TOML file of the `server` program. */
export const ServerConfigFile = z.object({
  server: z.strictObject({
    domain: HostName,
    listen_addr: ListenAddress.prefault("127.0.0.1:8440"),
    state_dir: Path,
  }),
  node: z.strictObject({ name: Label, address: z.string().max(64).default("127.0.0.1"), identity_path: Path })
    .optional(),
  proxy: z.strictObject({ port: Port.default(8443), alias_ports: z.array(Port).max(16).default([443, 8443]) }).prefault(
    {},
  ),
  dns: z.strictObject({ server: z.string().max(64) }).optional(),
  database: z.strictObject({
    dir: Path.optional(),
    auth_token: z.string().max(4096).optional(),
    mcp_url: DatabaseUrl.optional(),
    mcias_url: DatabaseUrl.optional(),
    mcr_url: DatabaseUrl.optional(),
    mcns_url: DatabaseUrl.optional(),
    metacrypt_url: DatabaseUrl.optional(),
  }).prefault({}),
  blobs: z.strictObject({ dir: Path.optional() }).prefault({}),
  peers: z.strictObject({
    mcp: Origin.optional(),
    mcias: Origin.optional(),
    mcr: Origin.optional(),
    mcns: Origin.optional(),
    metacrypt: Origin.optional(),
  }).prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default("info") }).prefault({}),
});

/**
 * The configuration in a TOML file, with `$SERVER_SECTION_KEY` overrides; `$PORT` wins (guide §5).
 *
 * @throws {PlatformError} invalid-config — with all problems at once
 */
export async function loadServerConfig(path: string, env: Environment): Promise<ServerConfig> {
  const file = await loadConfig({
    schema: ServerConfigFile,
    path,
    envPrefix: "SERVER",
    env,
    ports: { PORT: "server.listen_addr" },
  });
  const { server, node, proxy, dns, blobs, peers } = file;
  return {
    domain: server.domain,
    listen: server.listen_addr,
    stateFolder: server.state_dir,
    node: node === undefined ? undefined : { name: node.name, address: node.address, identityPath: node.identity_path },
    proxy: { port: proxy.port, aliasPorts: proxy.alias_ports },
    dnsServer: dns?.server,
    databases: toDatabases(server.state_dir, file.database),
    blobFolder: blobs.dir ?? join(server.state_dir, "blobs"),
    peers: Object.fromEntries(systemNames.flatMap((name) => peers[name] === undefined ? [] : [[name, peers[name]]])),
    logLevel: file.log.level,
  };
}

function toDatabases(
  stateFolder: string,
  section: z.output<typeof ServerConfigFile>["database"],
): Readonly<Record<SystemName, DatabaseOptions>> {
  const folder = section.dir ?? join(stateFolder, "databases");
  const optionsOf = (name: SystemName): DatabaseOptions => {
    const url = section[`${name}_url`];
    if (url === undefined) return { url: `file:${join(folder, `${name}.db`)}` };
    return section.auth_token === undefined ? { url } : { url, authToken: section.auth_token };
  };
  return {
    mcp: optionsOf("mcp"),
    mcias: optionsOf("mcias"),
    mcr: optionsOf("mcr"),
    mcns: optionsOf("mcns"),
    metacrypt: optionsOf("metacrypt"),
  };
}
