import { once } from "node:events";
import { type ClientOptions, createClient, type Fetch } from "#shared/contract/client.ts";
import { type LogLine, mcpContract } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { openMachineIdentity } from "#shared/mcdsl/machine-identity.ts";
import type { RegistryAuth } from "../podman/images.ts";
import type { ControlPlane } from "./agent-ports.ts";
import type { AgentConfig } from "./config.ts";

/** The control plane with its feed and the node's credentials. */
export interface ConnectedControlPlane extends ControlPlane {
  /** Opens the stream of frames after a revision. */
  readonly openFeed: (since: number, signal: AbortSignal) => Promise<Response>;
  /** Credentials for the platform's registry: the node's name and token. */
  readonly registryAuth: () => Promise<RegistryAuth | undefined>;
}

/** How the control plane is reached. */
export interface ControlPlaneAccess {
  /** The runtime's own `fetch`, or another app's. */
  readonly fetch: Fetch;
  /** Token of the node; from the enrolled identity unless given. */
  readonly token?: () => Promise<string>;
  /** Version that heartbeats carry. */
  readonly version: string;
}

/** A log stream lasts as long as somebody reads: the answer's head comes at its end. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * The control plane of a configuration. Without one nothing new is ever desired, and reports go nowhere.
 *
 * @throws {PlatformError} invalid-config — when the node's identity cannot be used
 */
export async function connectControlPlane(
  config: AgentConfig,
  access: ControlPlaneAccess,
): Promise<ConnectedControlPlane> {
  const { controlPlane, node, address } = config;
  if (controlPlane === undefined) return standalone;
  const { fetch, version } = access;
  const { mcpUrl, mciasUrl, identityPath } = controlPlane;
  const token = access.token ??
    (await openMachineIdentity({ identityPath, client: { fetch, baseUrl: mciasUrl }, now: () => new Date() })).token;
  const client: ClientOptions = { fetch, baseUrl: mcpUrl, token };
  const { registryName, registryLocation } = config.podman;
  const registries = [registryName, registryLocation].filter((name) => name !== undefined);
  const mcp = createClient(mcpContract, client);
  const patient = createClient(mcpContract, { ...client, timeoutMs: longestTimeoutMs });
  return {
    openFeed: (since, signal) => mcp.nodeStream({ params: { node }, query: { since }, signal }),
    async report(report, signal) {
      await mcp.reportNode({ params: { node }, body: report, signal });
    },
    async heartbeat(signal) {
      await mcp.heartbeat({ params: { node }, body: { address, version }, signal });
    },
    async sendLogs(requestId, lines, signal) {
      await patient.sendLogs({ params: { node, requestId }, stream: toNdjson(lines), signal });
    },
    registryAuth: async () => ({ username: node, password: await token(), registries }),
  };
}

/** One JSON object a line, read only as fast as it is taken. */
export function toNdjson(lines: AsyncIterable<LogLine>): ReadableStream<Uint8Array> {
  const iterator = lines[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(JSON.stringify(next.value) + "\n"));
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

const standalone: ConnectedControlPlane = {
  async openFeed(_since, signal) {
    if (!signal.aborted) await once(signal, "abort");
    throw new PlatformError("cancelled", "Cannot follow the feed: the agent stops");
  },
  report: () => Promise.resolve(),
  heartbeat: () => Promise.resolve(),
  sendLogs: () => Promise.resolve(),
  registryAuth: () => Promise.resolve(undefined),
};
