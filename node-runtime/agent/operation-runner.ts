import type { DesiredService } from "#shared/contract/state.ts";
import { componentKey } from "./domain/plan.ts";
import type { Operation } from "./domain/operation.ts";
import { createHolds } from "./holds.ts";

/** The operations of one component, in order. */
export interface OperationGroup {
  /** `<service>/<component>`. */
  readonly key: string;
  /** Changes with what is desired of the service: a hold for another fingerprint does not count. */
  readonly fingerprint: string;
  /** Deployment that the operations are for; empty when the service is not desired. */
  readonly deploymentId: string;
  readonly operations: readonly Operation[];
}

/** Runs groups beside each other, and the operations of one group after each other. */
export interface OperationRunner {
  /** Starts a group, unless one of its key runs or is held back; says whether it did. */
  launch(group: OperationGroup): boolean;
  /** Cancels the groups that run for what was desired before; says whether there are any. They end after the operation at work. */
  cancelOutdated(fingerprintOf: (service: string) => string): boolean;
  /** Whether a group of this key runs, or is held back. */
  isBusy(key: string, fingerprint: string): boolean;
  /** Operations of the groups that run. */
  running(): readonly Operation[];
  /** Holds a key back for a growing while; after a crash or a failed operation. */
  hold(key: string, fingerprint: string): void;
  /** The next hold of this key is a short one again. */
  release(key: string): void;
  /** Milliseconds until the first hold ends; `undefined` without one. */
  nextReleaseMs(): number | undefined;
  /** Cancels what can be, and waits for the operation at work in each group. */
  stop(): Promise<void>;
}

/** What {@link createOperationRunner} needs. */
export interface RunnerOptions {
  /** Carries out the operations of a group; rejects to have it held back. */
  readonly execute: (group: OperationGroup, signal: AbortSignal) => Promise<void>;
  /** Told when a group has ended. */
  readonly onEnd: () => void;
  /** Bounds of the holds, in milliseconds. */
  readonly holdMs?: { readonly minMs: number; readonly maxMs: number };
}

/** A runner with nothing to do. */
export function createOperationRunner(options: RunnerOptions): OperationRunner {
  const active = new Map<string, { group: OperationGroup; controller: AbortController; done: Promise<void> }>();
  const holds = createHolds(options.holdMs ?? { minMs: 250, maxMs: 60_000 });
  let isStopped = false;

  async function run(group: OperationGroup, signal: AbortSignal): Promise<void> {
    try {
      await options.execute(group, signal);
    } catch {
      // `execute` has told why; here it only decides when the next try is.
      if (!signal.aborted) holds.hold(group.key, group.fingerprint);
    } finally {
      active.delete(group.key);
      options.onEnd();
    }
  }
  return {
    launch(group) {
      if (isStopped || active.has(group.key) || holds.isHeld(group.key, group.fingerprint)) return false;
      const controller = new AbortController();
      const start = Promise.withResolvers<void>();
      active.set(group.key, { group, controller, done: start.promise.then(() => run(group, controller.signal)) });
      start.resolve();
      return true;
    },
    cancelOutdated(fingerprintOf) {
      const outdated = [...active.values()].filter(({ group }) =>
        group.fingerprint !== fingerprintOf(serviceOf(group.key))
      );
      for (const { controller } of outdated) controller.abort();
      return outdated.length > 0;
    },
    isBusy: (key, fingerprint) => active.has(key) || holds.isHeld(key, fingerprint),
    running: () => [...active.values()].flatMap(({ group }) => group.operations),
    hold: holds.hold,
    release: holds.release,
    nextReleaseMs: holds.nextReleaseMs,
    async stop() {
      isStopped = true;
      for (const { controller } of active.values()) controller.abort();
      await Promise.all([...active.values()].map(({ done }) => done));
    },
  };
}

/** The operations by component; the order inside a component is kept. */
export function groupOperations(
  plan: readonly Operation[],
  findService: (name: string) => DesiredService | undefined,
): OperationGroup[] {
  const byKey = Map.groupBy(plan, componentKey);
  return [...byKey].map(([key, operations]) => {
    const service = findService(operations[0]?.service ?? "");
    return { key, operations, fingerprint: toFingerprint(service), deploymentId: service?.deploymentId ?? "" };
  });
}

/** Equal exactly when what is desired of a service is equal. */
export function toFingerprint(service: DesiredService | undefined): string {
  return JSON.stringify(service ?? null);
}

/** The service of a component key. */
export function serviceOf(key: string): string {
  return key.split("/")[0] ?? "";
}
