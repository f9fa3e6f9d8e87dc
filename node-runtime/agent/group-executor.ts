import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import type { RegistryAuth } from "../podman/images.ts";
import type { AgentPodman } from "./agent-ports.ts";
import type { Operation } from "./domain/operation.ts";
import { type ExecuteContext, executeOperation } from "./execute.ts";
import type { InstanceNotes } from "./instance-notes.ts";
import type { InstanceTracker } from "./instance-tracker.ts";
import type { OperationGroup } from "./operation-runner.ts";
import { type PendingInstances, toReason } from "./pending-instances.ts";

/** What {@link createGroupExecutor} needs. */
export interface GroupExecutorOptions {
  readonly podman: AgentPodman;
  readonly platform: string;
  readonly notes: InstanceNotes;
  readonly log: Log;
  readonly registryAuth?: () => Promise<RegistryAuth | undefined>;
  readonly tracker: InstanceTracker;
  readonly pending: PendingInstances;
  /** Told of each operation that was carried out. */
  readonly onOperation?: (operation: Operation, outcome: "done" | "failed", durationMs: number) => void;
}

/** Carries out the operations of a group in order, and makes what fails visible in the next report. */
export function createGroupExecutor(
  options: GroupExecutorOptions,
): (group: OperationGroup, signal: AbortSignal) => Promise<void> {
  const { podman, platform, notes, log, tracker, registryAuth } = options;
  return async (group, signal) => {
    const created = new Map<string, string>();
    const context = {
      podman,
      platform,
      notes,
      log,
      registryAuth,
      created,
      signal,
      onTransition: tracker.setTransition,
    };
    try {
      for (const operation of group.operations) {
        if (signal.aborted) return;
        await attempt(operation, group, { ...options, execute: context });
      }
    } finally {
      for (const operation of group.operations) {
        if ("containerId" in operation && operation.containerId !== undefined) {
          tracker.setTransition(operation.containerId, undefined);
        }
      }
    }
  };
}

interface AttemptContext extends GroupExecutorOptions {
  readonly execute: ExecuteContext;
}

async function attempt(operation: Operation, group: OperationGroup, context: AttemptContext): Promise<void> {
  const { pending, onOperation, execute } = context;
  const startedMs = performance.now();
  if (operation.kind === "create") pending.advance(group.key);
  try {
    await executeOperation(operation, execute);
    onOperation?.(operation, "done", performance.now() - startedMs);
  } catch (error) {
    if (execute.signal.aborted) throw error;
    onOperation?.(operation, "failed", performance.now() - startedMs);
    context.log.warn(`cannot ${operation.kind}`, { instance: operation.containerName, error });
    if (operation.kind === "pull" || operation.kind === "create") pending.fail(group.key, error);
    if (operation.kind === "start") {
      const id = operation.containerId ?? execute.created.get(operation.containerName);
      if (id !== undefined) await noteFailedStart(id, group, { ...context, error });
    }
    throw error;
  }
}

/** A new instance that cannot start has failed; one that served is tried again. A taken port needs a new container. */
async function noteFailedStart(
  id: string,
  group: OperationGroup,
  facts: AttemptContext & { error: unknown },
): Promise<void> {
  const { error, podman, notes, tracker } = facts;
  if (error instanceof PlatformError && error.code === "unavailable") return;
  if (isPortTaken(error)) return await podman.removeContainer(id, { force: true });
  const reason = toReason(error);
  tracker.noteTrouble(id, { reason, lastLog: [] });
  if (notes.get(id).wasHealthy) return;
  await notes.update(id, { failure: { deploymentId: group.deploymentId, reason, lastLog: [] } });
}

function isPortTaken(error: unknown): boolean {
  return /address already in use|port is already allocated/i.test(describeError(error));
}
