import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import type { RegistryAuth } from "../podman/images.ts";
import type { AgentPodman } from "./agent-ports.ts";
import type { Operation } from "./domain/operation.ts";
import { executeOperation } from "./execute.ts";
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
  const { podman, platform, notes, log, tracker, pending, registryAuth } = options;
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
        if (operation.kind === "create") pending.advance(group.key);
        await attempt(operation, () => executeOperation(operation, context), created);
      }
    } finally {
      for (const operation of group.operations) {
        if ("containerId" in operation && operation.containerId !== undefined) {
          tracker.setTransition(operation.containerId, undefined);
        }
      }
    }

    async function attempt(
      operation: Operation,
      work: () => Promise<void>,
      ids: ReadonlyMap<string, string>,
    ): Promise<void> {
      const startedMs = performance.now();
      try {
        await work();
        options.onOperation?.(operation, "done", performance.now() - startedMs);
      } catch (error) {
        if (signal.aborted) throw error;
        options.onOperation?.(operation, "failed", performance.now() - startedMs);
        log.warn(`cannot ${operation.kind}`, { instance: operation.containerName, error });
        if (operation.kind === "pull" || operation.kind === "create") pending.fail(group.key, error);
        if (operation.kind === "start") {
          await noteFailedStart(operation.containerId ?? ids.get(operation.containerName), group, error);
        }
        throw error;
      }
    }
  };

  /** A new instance that cannot start has failed; one that served is tried again. A taken port needs a new container. */
  async function noteFailedStart(
    containerId: string | undefined,
    group: OperationGroup,
    error: unknown,
  ): Promise<void> {
    if (containerId === undefined || (error instanceof PlatformError && error.code === "unavailable")) return;
    if (isPortTaken(error)) return await podman.removeContainer(containerId, { force: true });
    const reason = toReason(error);
    tracker.noteTrouble(containerId, { reason, lastLog: [] });
    if (notes.get(containerId).wasHealthy) return;
    await notes.update(containerId, { failure: { deploymentId: group.deploymentId, reason, lastLog: [] } });
  }
}

function isPortTaken(error: unknown): boolean {
  return /address already in use|port is already allocated/i.test(describeError(error));
}
