import { z } from "zod";
import { AddressBlock, type Route } from "#shared/contract/route.ts";
import { HostName, Label, Port } from "#shared/contract/names.ts";
import { type LogLevel, logLevels } from "#shared/log/log.ts";
import { type Environment, loadConfig } from "#shared/mcdsl/config.ts";
import { ListenAddress } from "#shared/mcdsl/duration.ts";
import { type ChallengeType, challengeTypes } from "./acme/challenge.ts";
import type { SuppliedFiles } from "./certificates/supplied-certificates.ts";
import { LimitsFile, toLimits } from "./config-limits.ts";
import { given } from "./given.ts";
import type { DataPlaneSettings } from "./data-plane.ts";
import type { ProxyLimits } from "./limits.ts";
import { routeKey } from "./routes.ts";
import { StaticRoute, toRoute } from "./static-routes.ts";

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
  /** Threads that serve: 1 unless given. */
  readonly workers?: number;
  /** Port of the plain HTTP listener, which redirects and answers ACME; none without it. */
  readonly redirectPort?: number;
  /** How connections are received and logged; the defaults of a proxy unless given. */
  readonly settings?: Partial<
    Pick<
      DataPlaneSettings,
      | "staticRoutes"
      | "reusePort"
      | "proxyProtocolPorts"
      | "trustedProxies"
      | "refuseWith"
      | "defaultHostname"
      | "accessLog"
    >
  >;
  /** Where the admin endpoints are on TCP; not there without it. */
  readonly adminListen?: { readonly host: string; readonly port: number };
  /** Where they are on a Unix socket; not there without it. */
  readonly adminSocket?: { readonly path: string; readonly mode: number };
  /** PEM file with the root that certificates must lead to; not checked without it. */
  readonly rootFile?: string;
  /** Certificates of the operator. */
  readonly suppliedCertificates?: readonly SuppliedFiles[];
  /** The public CA, for routes that ask for one. */
  readonly acme?: AcmeConfig;
  /** MaxMind database that knows the country of an address. */
  readonly countryFile?: string;
  /** Clients whose connections and requests are counted at the same time. */
  readonly trackedClients?: number;
  /** Where routes and certificates come from; without it what is on disk is all there is. */
  readonly controlPlane?: ControlPlaneConfig;
  /** Limits that differ from the defaults. */
  readonly limits: Partial<ProxyLimits>;
}

/** A public CA that speaks ACME. */
export interface AcmeConfig {
  /** Where its directory is. */
  readonly directoryUrl: string;
  /** Whom it may write to. */
  readonly email?: string;
  /** Whether its terms are agreed to. */
  readonly agreesToTerms: boolean;
  /** The account that ours is bound to. */
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string };
  /** PEM file of the CA that the directory's own certificate comes from. */
  readonly caFile?: string;
  /** PEM file of the roots that its chains must lead to. */
  readonly rootsFile?: string;
  /** Ways to prove a name. */
  readonly challengeTypes: readonly ChallengeType[];
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
  proxy: z.strictObject({ node: Label, folder: Path, workers: z.int().min(1).max(64).default(1) }),
  listen: z.strictObject({
    address: z.union([z.ipv4(), z.ipv6()]).default("127.0.0.1"),
    port: z.int().min(0).max(65_535).default(8443),
    alias_ports: z.array(Port).max(16).default([443, 8443]),
    redirect_port: z.int().min(0).max(65_535).optional(),
    reuse_port: z.boolean().default(false),
    proxy_protocol_ports: z.array(Port).max(64).default([]),
    trusted_proxies: z.array(AddressBlock).max(1_024).default([]),
    refuse_with: z.enum(["alert", "reset"]).default("alert"),
    default_hostname: HostName.optional(),
  }).prefault({}),
  admin: z.strictObject({
    listen_addr: ListenAddress.optional(),
    socket_path: z.string().min(1).max(107).optional(),
    socket_mode: z.enum(["0600", "0660"]).default("0600"),
  }).prefault({}),
  certificates: z.strictObject({
    root_file: Path.optional(),
    files: z.array(z.strictObject({
      hostnames: z.array(z.string().max(253)).max(100).optional(),
      chain_file: Path,
      key_file: Path,
      roots_file: Path.optional(),
    })).max(1_000).default([]),
  }).prefault({}),
  acme: z.strictObject({
    directory_url: z.url({ protocol: /^https$/ }).max(1_024),
    email: z.email().optional(),
    agree_terms: z.boolean().default(false),
    external_key_id: z.string().max(1_024).optional(),
    external_hmac_key: z.string().max(1_024).optional(),
    ca_file: Path.optional(),
    roots_file: Path.optional(),
    challenges: z.array(z.enum(challengeTypes)).min(1).max(2).default([...challengeTypes]),
  }).optional(),
  firewall: z.strictObject({
    country_file: Path.optional(),
    tracked_clients: z.int().min(1_024).max(4_194_304).default(65_536),
  }).prefault({}),
  control_plane: z.strictObject({ mcp_url: Origin, metacrypt_url: Origin, mcias_url: Origin, identity_path: Path })
    .optional(),
  limits: LimitsFile.prefault({}),
  log: z.strictObject({
    level: z.enum(logLevels).default("info"),
    access: z.enum(["all", "errors", "off"]).default("all"),
  }).prefault({}),
  routes: z.array(StaticRoute).max(1_024).default([]),
});

type ConfigFile = z.output<typeof ProxyConfigFile>;

/** The same with the rules between keys. */
const CheckedConfigFile = ProxyConfigFile.superRefine(({ listen, acme, routes }, context) => {
  if (listen.proxy_protocol_ports.length > 0 && listen.trusted_proxies.length === 0) {
    const message = "nobody may send the header that proxy_protocol_ports require, expected addresses or CIDR blocks";
    context.addIssue({ code: "custom", path: ["listen", "trusted_proxies"], message });
  }
  if ((acme?.external_key_id === undefined) !== (acme?.external_hmac_key === undefined)) {
    const message = "an external account has an id and a key, expected both or neither";
    context.addIssue({ code: "custom", path: ["acme", "external_key_id"], message });
  }
  const keys = new Set<string>();
  routes.forEach((route, index) => {
    const key = routeKey(route);
    const message = `there is a route for ${key} already, expected one for each name and port`;
    if (keys.has(key)) context.addIssue({ code: "custom", path: ["routes", index, "hostname"], message });
    keys.add(key);
  });
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
  const file = await loadConfig({ schema: CheckedConfigFile, path, envPrefix: "MC_PROXY", env });
  return { config: toProxyConfig(file), logLevel: file.log.level };
}

function toProxyConfig(file: ConfigFile): ProxyConfig {
  const { proxy, listen, admin, certificates, firewall, control_plane: controlPlane } = file;
  return {
    ...proxy,
    address: listen.address,
    port: listen.port,
    aliasPorts: listen.alias_ports,
    ...given({ redirectPort: listen.redirect_port }),
    settings: toSettings(file),
    limits: toLimits(file.limits),
    ...given({ adminListen: admin.listen_addr, rootFile: certificates.root_file }),
    ...(admin.socket_path === undefined
      ? {}
      : { adminSocket: { path: admin.socket_path, mode: Number.parseInt(admin.socket_mode, 8) } }),
    suppliedCertificates: certificates.files.map(({ chain_file: chainFile, key_file: keyFile, ...rest }) => ({
      chainFile,
      keyFile,
      ...given({ hostnames: rest.hostnames, rootsFile: rest.roots_file }),
    })),
    ...given({ countryFile: firewall.country_file, acme: file.acme && toAcme(file.acme) }),
    trackedClients: firewall.tracked_clients,
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

function toAcme(file: NonNullable<ConfigFile["acme"]>): AcmeConfig {
  const { external_key_id: keyId, external_hmac_key: hmacKey } = file;
  return {
    directoryUrl: file.directory_url,
    agreesToTerms: file.agree_terms,
    challengeTypes: file.challenges,
    ...given({ email: file.email, caFile: file.ca_file, rootsFile: file.roots_file }),
    ...(keyId === undefined || hmacKey === undefined ? {} : { externalAccount: { keyId, hmacKey } }),
  };
}

function toSettings({ listen, log, routes }: ConfigFile): NonNullable<ProxyConfig["settings"]> {
  const staticRoutes: Route[] = routes.map(toRoute);
  return {
    staticRoutes,
    reusePort: listen.reuse_port,
    proxyProtocolPorts: listen.proxy_protocol_ports,
    trustedProxies: listen.trusted_proxies,
    refuseWith: listen.refuse_with,
    ...given({ defaultHostname: listen.default_hostname }),
    accessLog: log.access,
  };
}
