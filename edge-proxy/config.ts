import { z } from "zod";
import { Label, Port } from "#shared/contract/names.ts";
import { type LogLevel, logLevels } from "#shared/log/log.ts";
import { type Environment, loadConfig } from "#shared/mcdsl/config.ts";
import { DurationMs, ListenAddress } from "#shared/mcdsl/duration.ts";
import type { ProxyLimits } from "./limits.ts";

/** What a proxy is started with. */
export interface ProxyConfig {
  /** Name of the node whose routes it serves. */
  readonly node: string;
  /** Folder for the last good routes and for certificates. */
  readonly folder: string;
  /** Address of every listener. */
  readonly address: string;
  /** Main port; 0 picks a free one. */
  readonly port: number;
  /** External ports that end at the main listener too. */
  readonly aliasPorts: readonly number[];
  /** Where the admin endpoints are; none without it. */
  readonly adminListen?: { readonly host: string; readonly port: number };
  /** PEM file with the root that certificates must lead to; not checked without it. */
  readonly rootFile?: string;
  /** Where routes and certificates come from; without it what is on disk is all there is. */
  readonly controlPlane?: ControlPlaneConfig;
  /** Time limits that differ from the defaults. */
  readonly limits: Partial<ProxyLimits>;
}

/** Where routes and certificates come from, and as whom they are asked for. */
export interface ControlPlaneConfig {
  /** Origin of MCP. */
  readonly mcpUrl: string;
  /** Origin of Metacrypt. */
  readonly metacryptUrl: string;
  /** Origin of MCIAS, where the node's assertion becomes a token. */
  readonly mciasUrl: string;
  /** The node's enrolled identity. */
  readonly identityPath: string;
}

const Origin = z.url({ protocol: /^https?$/ }).max(512);
const Path = z.string().min(1).max(4096);

/** The TOML file of the `proxy` program. */
export const ProxyConfigFile = z.object({
  proxy: z.strictObject({ node: Label, folder: Path }),
  listen: z.strictObject({
    address: z.union([z.ipv4(), z.ipv6()]).default("127.0.0.1"),
    port: z.int().min(0).max(65_535).default(8443),
    alias_ports: z.array(Port).max(16).default([443, 8443]),
  }).prefault({}),
  admin: z.strictObject({ listen_addr: ListenAddress }).optional(),
  certificates: z.strictObject({ root_file: Path.optional() }).prefault({}),
  control_plane: z.strictObject({ mcp_url: Origin, metacrypt_url: Origin, mcias_url: Origin, identity_path: Path })
    .optional(),
  limits: z.strictObject({ drain: DurationMs.optional(), stream_idle: DurationMs.optional() }).prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default("info") }).prefault({}),
});

/**
 * The configuration in a TOML file, with `$MC_PROXY_SECTION_KEY` overrides.
 *
 * @throws {PlatformError} invalid-config — with all problems at once
 */
export async function loadProxyConfig(
  path: string,
  env: Environment,
): Promise<{ config: ProxyConfig; logLevel: LogLevel }> {
  const file = await loadConfig({ schema: ProxyConfigFile, path, envPrefix: "MC_PROXY", env });
  return { config: toProxyConfig(file), logLevel: file.log.level };
}

function toProxyConfig(file: z.output<typeof ProxyConfigFile>): ProxyConfig {
  const { proxy, listen, admin, certificates, control_plane: controlPlane, limits } = file;
  return {
    ...proxy,
    address: listen.address,
    port: listen.port,
    aliasPorts: listen.alias_ports,
    limits: {
      ...(limits.drain === undefined ? {} : { drainMs: limits.drain }),
      ...(limits.stream_idle === undefined ? {} : { streamIdleMs: limits.stream_idle }),
    },
    ...(admin === undefined ? {} : { adminListen: admin.listen_addr }),
    ...(certificates.root_file === undefined ? {} : { rootFile: certificates.root_file }),
    ...(controlPlane === undefined ? {} : {
      controlPlane: {
        mcpUrl: controlPlane.mcp_url,
        metacryptUrl: controlPlane.metacrypt_url,
        mciasUrl: controlPlane.mcias_url,
        identityPath: controlPlane.identity_path,
      },
    }),
  };
}
