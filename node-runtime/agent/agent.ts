import type { NodeReport } from "#shared/contract/state.ts";
import { createNotifier } from "#shared/lifecycle/queue.ts";
import { runLoop } from "#shared/lifecycle/run-loop.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import type { RegistryAuth } from "../podman/images.ts";
import type { AgentPodman, ControlPlane } from "./agent-ports.ts";
import { createDesiredHolder, type DesiredState } from "./desired-holder.ts";
import { platformLabel } from "./domain/labels.ts";
import { toNodeReport } from "./domain/node-report.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import type { Operation } from "./domain/operation.ts";
import { componentKey } from "./domain/plan.ts";
import { createGroupExecutor } from "./group-executor.ts";
import type { HealthTimings } from "./health-watch.ts";
import type { InstanceNotes } from "./instance-notes.ts";
import { createInstanceTracker } from "./instance-tracker.ts";
import { createOperationRunner } from "./operation-runner.ts";
import { createPendingInstances } from "./pending-instances.ts";
import type { Probe } from "./probe.ts";
import { createReconciler } from "./reconciler.ts";
import { createReporter } from "./reporter.ts";

/** What {@link createAgent} needs. */
export interface AgentOptions {
  readonly podman: AgentPodman;
  readonly controlPlane: ControlPlane;
  /** Value of the label that marks our containers: only those are ever touched. */
  readonly platform: string;
  readonly notes: InstanceNotes;
  readonly log: Log;
  readonly probe: Probe;
  /** Credentials for pulls. */
  readonly registryAuth?: () => Promise<RegistryAuth | undefined>;
  readonly healthTimings?: HealthTimings;
  /** Bounds of the waits after a crash or a failed operation. */
  readonly holdMs?: { readonly minMs: number; readonly maxMs: number };
  /** Milliseconds between looks at podman when no event came; 10,000 unless given. */
  readonly resyncMs?: number;
  readonly heartbeatMs?: number;
  /** Told of each operation that was carried out. */
  readonly onOperation?: (operation: Operation, outcome: "done" | "failed", durationMs: number) => void;
}

/** Makes a node run what is desired. */
export interface Agent {
  /** What should run from now on. Until the first call nothing is touched. */
  apply(desired: DesiredState): void;
  /** Works until `signal` aborts. Containers go on running. */
  run(signal: AbortSignal): Promise<void>;
  /** What the agent would do now, all components considered. */
  plan(): Promise<Operation[]>;
  /** The newest report. */
  report(): NodeReport;
  /** Our instances as of the last look. */
  observed(): ObservedInstance[];
  /** Resolves at the next look at podman, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
}

/** An agent that has not been told anything. */
export function createAgent(options: AgentOptions): Agent {
  const parts = assemble(options);
  const { desired, tracker, runner, reconciler, reporter, wake, looked } = parts;
  return {
    apply(next) {
      desired.set(next);
      wake.notify();
    },
    async run(signal) {
      const bounds = { log: options.log, signal, minMs: 100, maxMs: 5_000 };
      await Promise.all([
        runLoop((ending) => reconcileOnce(parts, options, ending), { name: "reconcile", ...bounds }),
        runLoop((ending) => followEvents(parts, options, ending), { name: "podman events", ...bounds }),
        reporter.run(signal),
      ]);
      tracker.stop();
      await runner.stop();
    },
    plan: reconciler.plan,
    report: parts.report,
    observed: tracker.observed,
    changed: (signal) => looked.wait(signal),
  };
}

type Parts = ReturnType<typeof assemble>;

function assemble(options: AgentOptions) {
  const wake = createNotifier();
  const looked = createNotifier();
  const pending = createPendingInstances();
  const desired = createDesiredHolder();
  const sight = { hasLooked: false };
  const tracker = createInstanceTracker({
    ...options,
    deploymentOf: desired.deploymentOf,
    onChange: () => reporter.notify(),
    onNews: () => wake.notify(),
    onCrash: (instance) => runner.hold(componentKey(instance), desired.fingerprintOf(instance.service)),
    onSteady: (instance) => runner.release(componentKey(instance)),
  });
  const runner = createOperationRunner({
    execute: createGroupExecutor({ ...options, tracker, pending }),
    onEnd: () => wake.notify(),
    ...(options.holdMs === undefined ? {} : { holdMs: options.holdMs }),
  });
  const reconciler = createReconciler({ ...options, desired, tracker, runner, pending });
  const report = () =>
    toNodeReport({
      appliedRevision: reconciler.appliedRevision,
      desired: desired.services(),
      observed: tracker.observed(),
      transitions: tracker.transitions,
      pending: pending.list(),
      troubles: tracker.troubles,
    });
  const reporter = createReporter({ ...options, build: () => (sight.hasLooked ? report() : undefined) });
  return { wake, looked, desired, sight, tracker, runner, reconciler, reporter, report };
}

/** One look, and the wait for the next reason to look. */
async function reconcileOnce(parts: Parts, options: AgentOptions, signal: AbortSignal): Promise<void> {
  using pause = disposableSignal(signal);
  // Listens before it looks: what happens meanwhile is a reason to look again.
  const woken = parts.wake.wait(pause.signal);
  await parts.reconciler.reconcile();
  parts.sight.hasLooked = true;
  parts.looked.notify();
  parts.reporter.notify();
  const resyncMs = options.resyncMs ?? 10_000;
  const waitMs = Math.min(resyncMs, parts.runner.nextReleaseMs() ?? resyncMs);
  await Promise.race([woken, waitFor(waitMs, pause.signal)]);
}

async function followEvents({ wake }: Parts, { podman, platform }: AgentOptions, signal: AbortSignal): Promise<void> {
  wake.notify();
  for await (const event of podman.streamEvents(`${platformLabel}=${platform}`, signal)) {
    if (["died", "remove", "start"].includes(event.status)) wake.notify();
  }
  await waitFor(100, signal);
}

/** A signal that aborts with its parent, or when its scope ends. */
function disposableSignal(parent: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const onAbort = () => controller.abort();
  parent.addEventListener("abort", onAbort, { once: true });
  if (parent.aborted) onAbort();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      parent.removeEventListener("abort", onAbort);
      controller.abort();
    },
  };
}
