import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Fetch } from "#shared/contract/client.ts";
import { startFeedClient } from "#shared/feed/feed-client.ts";
import type { Running } from "#shared/lifecycle/run-program.ts";
import type { Log } from "#shared/log/log.ts";
import { serveAdmin } from "#shared/lifecycle/serve-admin.ts";
import { createPodman, type Podman } from "../podman/podman.ts";
import { startPodmanService } from "../podman/podman-service.ts";
import { createAdmin } from "./admin.ts";
import { createAgent } from "./agent.ts";
import { agentVersion } from "./agent-version.ts";
import type { AgentConfig } from "./config.ts";
import { connectControlPlane } from "./control-plane.ts";
import { readNodeFeed } from "./desired-state.ts";
import { openInstanceNotes } from "./instance-notes.ts";
import { createLogRelay } from "./log-relay.ts";
import { createMetrics } from "./metrics.ts";
import { createProbe, settleMs } from "./probe.ts";

/** What {@link startAgent} takes besides its configuration. */
export interface StartAgentDependencies {
  /** Receives everything that is logged. */
  readonly log: Log;
  /** Reaches the control plane; the runtime's own `fetch` unless given. */
  readonly fetch?: Fetch;
  /** Token for the control plane and the registry; from the enrolled identity unless given. */
  readonly token?: () => Promise<string>;
}

/** A running agent. Disposal ends it and leaves the containers running. */
export interface RunningAgent extends Running {
  /** Podman's socket, and the bound address of the admin endpoints. */
  readonly ready: { readonly podman: string; readonly admin?: string };
}

/**
 * Starts the agent: the last good desired state from disk comes first, so that a node that boots needs no control plane.
 *
 * @throws {PlatformError} unavailable — podman cannot be reached, or the admin address is taken; invalid-config
 */
export async function startAgent(config: AgentConfig, dependencies: StartAgentDependencies): Promise<RunningAgent> {
  const { log } = dependencies;
  await mkdir(config.folder, { recursive: true });
  const access = { fetch: (request: Request) => fetch(request), version: agentVersion, ...dependencies };
  const controlPlane = await connectControlPlane(config, access);
  const notes = await openInstanceNotes(join(config.folder, "instance-notes.json"), log);
  const stop = new AbortController();
  await using stack = new AsyncDisposableStack();
  const { podman, socketPath } = await openPodman(config, log, stack);
  const { rootless } = await podman.info();
  const metrics = createMetrics();
  const agent = createAgent({
    podman,
    controlPlane,
    platform: config.platform,
    notes,
    log,
    probe: createProbe({ settleMs: rootless ? settleMs.rootless : settleMs.rootful }),
    registryAuth: controlPlane.registryAuth,
    onOperation: metrics.countOperation,
  });
  const running = agent.run(stop.signal);
  stack.defer(() => running);
  const relay = createLogRelay({ podman, ...controlPlane, observed: agent.observed, changed: agent.changed, log });
  stack.use(relay);
  stack.defer(() => stop.abort());
  const feed = await startFeedClient({
    topic: `node/${config.node}`,
    open: controlPlane.openFeed,
    statePath: join(config.folder, "node.state"),
    schema: z.unknown(),
    apply(state) {
      const { desired, logRequests } = readNodeFeed(state, log);
      agent.apply(desired);
      relay.apply(logRequests);
    },
    log,
    signal: stop.signal,
  });
  const admin = config.adminListen &&
    await serveAdmin(createAdmin({ agent, metrics, ping: () => podman.ping() }), config.adminListen);
  if (admin !== undefined) stack.use(admin);
  log.info("the agent works", { node: config.node, revision: feed.state.revision });
  const owned = stack.move();
  return {
    ready: admin === undefined ? { podman: socketPath } : { podman: socketPath, admin: admin.url },
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      await feed.done;
    },
  };
}

async function openPodman(
  config: AgentConfig,
  log: Log,
  stack: AsyncDisposableStack,
): Promise<{ podman: Podman; socketPath: string }> {
  const { socketPath, ...registry } = config.podman;
  if (socketPath === undefined) {
    const service = stack.use(await startPodmanService({ folder: join(config.folder, "podman"), log, ...registry }));
    return { podman: createPodman(service.socketPath), socketPath: service.socketPath };
  }
  const podman = createPodman(socketPath);
  await podman.ping();
  return { podman, socketPath };
}
