import { z } from "zod";
import { describeError } from "#shared/errors/platform-error.ts";
import { type Environment, loadConfig } from "#shared/mcdsl/config.ts";
import { ListenAddress } from "#shared/mcdsl/duration.ts";
import type { LogLevel } from "#shared/log/log.ts";
import { logLevels } from "#shared/log/log.ts";
import { defaultClientNetworks } from "./forward/client-networks.ts";
import { type EndpointAddress, parseEndpointAddress } from "./forward/endpoint-address.ts";

/** What a DNS server is started with. */
export interface DnsConfig {
  /** Where it serves UDP and TCP; wildcard addresses stand for every address of the machine. */
  readonly listen: readonly EndpointAddress[];
  /** Where the admin endpoints are; none without it. */
  readonly adminListen?: { readonly host: string; readonly port: number };
  /** File with the last good zones. */
  readonly statePath: string;
  /** Servers that other names are forwarded to, in order; those of `/etc/resolv.conf` unless given; an empty list forwards nothing. */
  readonly upstreams?: readonly EndpointAddress[];
  /** Networks whose clients may use the forwarder, as `address/prefix`. */
  readonly allowForward: readonly string[];
  /** Where zones come from; without it only the file is served. */
  readonly controlPlane?: ControlPlaneConfig;
}

/** Where the zones come from, and as whom they are asked for. */
export interface ControlPlaneConfig {
  /** Origin of MCNS. */
  readonly mcnsUrl: string;
  /** Origin of MCIAS, where the node's assertion becomes a token. */
  readonly mciasUrl: string;
  /** The node's enrolled identity. */
  readonly identityPath: string;
}

const Endpoint = z.string().max(64).transform((text, context): EndpointAddress => {
  try {
    return parseEndpointAddress(text);
  } catch (error) {
    context.addIssue(describeError(error));
    return z.NEVER;
  }
});
const Origin = z.url({ protocol: /^https?$/ }).max(512);

/** The TOML file of the `dns` program. */
export const DnsConfigFile = z.object({
  dns: z.strictObject({
    listen: z.array(Endpoint).min(1).max(64).prefault(["127.0.0.1:5300"]),
    state_path: z.string().min(1).max(4096),
    upstreams: z.array(Endpoint).max(16).optional(),
    allow_forward: z.array(z.string().max(64)).max(1000).default([...defaultClientNetworks]),
  }),
  admin: z.strictObject({ listen_addr: ListenAddress }).optional(),
  control_plane: z.strictObject({ mcns_url: Origin, mcias_url: Origin, identity_path: z.string().min(1).max(4096) })
    .optional(),
  log: z.strictObject({ level: z.enum(logLevels).default("info") }).prefault({}),
});

/**
 * The configuration in a TOML file, with `$DNS_SECTION_KEY` overrides.
 *
 * @throws {PlatformError} invalid-config — with all problems at once
 */
export async function loadDnsConfig(
  path: string,
  env: Environment,
): Promise<{ config: DnsConfig; logLevel: LogLevel }> {
  const file = await loadConfig({ schema: DnsConfigFile, path, envPrefix: "DNS", env });
  const { dns, admin, control_plane: controlPlane } = file;
  const config = {
    listen: dns.listen,
    statePath: dns.state_path,
    allowForward: dns.allow_forward,
    ...(dns.upstreams === undefined ? {} : { upstreams: dns.upstreams }),
    ...(admin === undefined ? {} : { adminListen: admin.listen_addr }),
    ...(controlPlane === undefined ? {} : {
      controlPlane: {
        mcnsUrl: controlPlane.mcns_url,
        mciasUrl: controlPlane.mcias_url,
        identityPath: controlPlane.identity_path,
      },
    }),
  };
  return { config, logLevel: file.log.level };
}
