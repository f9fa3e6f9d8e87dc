import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import type { RegistryAuth } from "../podman/images.ts";
import type { AgentPodman } from "./agent-ports.ts";
import { platformLabel } from "./domain/labels.ts";
import { describeOperation, type Operation, type PlannedContainer } from "./domain/operation.ts";
import type { InstanceNotes } from "./instance-notes.ts";

/** What operations are executed with. */
export interface ExecuteContext {
  readonly podman: AgentPodman;
  readonly platform: string;
  readonly notes: InstanceNotes;
  readonly log: Log;
  /** Credentials for pulls. */
  readonly registryAuth: (() => Promise<RegistryAuth | undefined>) | undefined;
  /** Told before a container stops or starts, and after. */
  readonly onTransition: (containerId: string, transition: "stopping" | "starting" | undefined) => void;
  /** Ids of the containers created in this run, by name. */
  readonly created: Map<string, string>;
  /** Cancels a pull. */
  readonly signal: AbortSignal;
}

/** Seconds between SIGTERM and SIGKILL. */
export const stopTimeoutSeconds = 10;
/** Output kept on disk for each container. */
const logSizeBytes = 10 * 1024 * 1024;
const builtInNetworks = new Set(["host", "none", "default"]);

/** Carries out one operation. What the agent must remember is on disk before podman acts on it. */
export async function executeOperation(operation: Operation, context: ExecuteContext): Promise<void> {
  context.log.info(describeOperation(operation), { service: operation.service, component: operation.component });
  switch (operation.kind) {
    case "pull":
      return await pull(operation.reference, context);
    case "create":
      return await create(operation.container, context);
    case "start":
      return await start(operation, context);
    case "restart":
      return await restart(operation, context);
    case "stop":
      return await stop(operation.containerId, context);
    case "remove":
      return await ignoreGone(context.podman.removeContainer(operation.containerId, { force: true }));
  }
}

async function pull(reference: string, context: ExecuteContext): Promise<void> {
  const auth = await context.registryAuth?.();
  await context.podman.pullImage(reference, {
    signal: context.signal,
    onProgress: (line) => context.log.debug("pull", { reference, line }),
    ...(auth === undefined ? {} : { auth }),
  });
}

async function create(container: PlannedContainer, context: ExecuteContext): Promise<void> {
  await ensureNetwork(container.network, context);
  // Podman itself never restarts it: the agent tells a crash of what served from a new version that cannot start.
  const id = await context.podman.createContainer({ ...container, restart: "no", stopTimeoutSeconds, logSizeBytes });
  context.created.set(container.name, id);
}

async function ensureNetwork(name: string, context: ExecuteContext): Promise<void> {
  if (builtInNetworks.has(name) || await context.podman.networkExists(name)) return;
  try {
    await context.podman.createNetwork(name, { [platformLabel]: context.platform });
  } catch (error) {
    // Another component of this node was faster.
    if (!(error instanceof PlatformError && error.code === "conflict")) throw error;
  }
}

async function start(operation: Extract<Operation, { kind: "start" }>, context: ExecuteContext): Promise<void> {
  const { notes, podman } = context;
  const id = operation.containerId ?? context.created.get(operation.containerName) ?? operation.containerName;
  context.onTransition(id, "starting");
  try {
    await notes.update(id, { started: true, stoppedByAgent: false, healthyStart: undefined });
    await podman.startContainer(id);
    await notes.update(id, { restartGeneration: operation.restartGeneration });
  } finally {
    context.onTransition(id, undefined);
  }
}

async function restart(operation: Extract<Operation, { kind: "restart" }>, context: ExecuteContext): Promise<void> {
  const { containerId: id, restartGeneration } = operation;
  context.onTransition(id, "starting");
  try {
    await context.notes.update(id, { healthyStart: undefined });
    await context.podman.restartContainer(id, { timeoutSeconds: stopTimeoutSeconds });
    await context.notes.update(id, { restartGeneration, stoppedByAgent: false });
  } finally {
    context.onTransition(id, undefined);
  }
}

async function stop(id: string, context: ExecuteContext): Promise<void> {
  context.onTransition(id, "stopping");
  try {
    await context.notes.update(id, { stoppedByAgent: true });
    await ignoreGone(context.podman.stopContainer(id, { timeoutSeconds: stopTimeoutSeconds }));
  } finally {
    context.onTransition(id, undefined);
  }
}

/** What is gone already needs no stop and no removal. */
async function ignoreGone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === "not-found")) throw error;
  }
}
