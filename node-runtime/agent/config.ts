import { z } from "zod";
import { Label } from "#shared/contract/names.ts";
import { type LogLevel, logLevels } from "#shared/log/log.ts";
import { type Environment, loadConfig } from "#shared/mcdsl/config.ts";
import { ListenAddress } from "#shared/mcdsl/duration.ts";

/** What an agent is started with. */
export interface AgentConfig {
  /** Name of the node that it works for. */
  readonly node: string;
  /** Folder for the last good desired state, the agent's notes and podman's socket. */
  readonly folder: string;
  /** Marks containers as ours: two platforms on one machine need two. */
  readonly platform: string;
  /** Address under which other nodes reach this one. */
  readonly address: string;
  /** Podman's API. */
  readonly podman: PodmanConfig;
  /** Where the admin endpoints are; none without it. */
  readonly adminListen?: { readonly host: string; readonly port: number };
  /** Where the desired state comes from; without it what is on disk is all there is. */
  readonly controlPlane?: ControlPlaneConfig;
}

/** Podman's API: an existing socket, or a service that the agent runs. */
export interface PodmanConfig {
  /** Socket of a service that somebody else runs. */
  readonly socketPath?: string;
  /** Name, with port, of the registry that is reached at `registryLocation`. */
  readonly registryName?: string;
  /** Loopback address of that registry. */
  readonly registryLocation?: string;
}

/** Where the desired state comes from, and as whom it is asked for. */
export interface ControlPlaneConfig {
  /** Origin of MCP. */
  readonly mcpUrl: string;
  /** Origin of MCIAS, where the node's assertion becomes a token. */
  readonly mciasUrl: string;
  /** The node's enrolled identity. */
  readonly identityPath: string;
}

const Origin = z.url({ protocol: /^https?$/ }).max(512);
const Path = z.string().min(1).max(4096);

/** The TOML file of the `agent` program. */
export const AgentConfigFile = z.object({
  agent: z.strictObject({
    node: Label,
    folder: Path,
    platform: z.string().regex(/^[A-Za-z0-9._-]{1,63}$/, "expected letters, digits, '.', '_', '-'").default(
      "metacircular",
    ),
    address: z.union([z.ipv4(), z.ipv6()]).default("127.0.0.1"),
  }),
  podman: z.strictObject({
    socket: Path.optional(),
    registry_name: z.string().max(300).optional(),
    registry_location: z.string().max(300).optional(),
  }).prefault({}),
  admin: z.strictObject({ listen_addr: ListenAddress }).optional(),
  control_plane: z.strictObject({ mcp_url: Origin, mcias_url: Origin, identity_path: Path }).optional(),
  log: z.strictObject({ level: z.enum(logLevels).default("info") }).prefault({}),
});

/**
 * The configuration in a TOML file, with `$MCP_AGENT_SECTION_KEY` overrides.
 *
 * @throws {PlatformError} invalid-config — with all problems at once
 */
export async function loadAgentConfig(
  path: string,
  env: Environment,
): Promise<{ config: AgentConfig; logLevel: LogLevel }> {
  const file = await loadConfig({ schema: AgentConfigFile, path, envPrefix: "MCP_AGENT", env });
  return { config: toAgentConfig(file), logLevel: file.log.level };
}

function toAgentConfig(file: z.output<typeof AgentConfigFile>): AgentConfig {
  const { agent, podman, admin, control_plane: controlPlane } = file;
  return {
    ...agent,
    podman: {
      ...(podman.socket === undefined ? {} : { socketPath: podman.socket }),
      ...(podman.registry_name === undefined ? {} : { registryName: podman.registry_name }),
      ...(podman.registry_location === undefined ? {} : { registryLocation: podman.registry_location }),
    },
    ...(admin === undefined ? {} : { adminListen: admin.listen_addr }),
    ...(controlPlane === undefined ? {} : {
      controlPlane: {
        mcpUrl: controlPlane.mcp_url,
        mciasUrl: controlPlane.mcias_url,
        identityPath: controlPlane.identity_path,
      },
    }),
  };
}
