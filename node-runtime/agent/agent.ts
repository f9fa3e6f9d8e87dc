import type { DesiredService, NodeReport } from "#shared/contract/state.ts";
import { createNotifier } from "#shared/lifecycle/queue.ts";
import { runLoop } from "#shared/lifecycle/run-loop.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import type { RegistryAuth } from "../podman/images.ts";
import type { AgentPodman, ControlPlane } from "./agent-ports.ts";
import { platformLabel } from "./domain/labels.ts";
import { toNodeReport } from "./domain/node-report.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import type { Operation } from "./domain/operation.ts";
import { componentKey, componentsToCreate, planNode } from "./domain/plan.ts";
import type { Provision } from "./domain/plan-component.ts";
import { toPullReference } from "./domain/planned-container.ts";
import { findFreePorts } from "./free-ports.ts";
import { createGroupExecutor } from "./group-executor.ts";
import type { HealthTimings } from "./health-watch.ts";
import type { InstanceNotes } from "./instance-notes.ts";
import { createInstanceTracker } from "./instance-tracker.ts";
import { createOperationRunner, groupOperations, serviceOf, toFingerprint } from "./operation-runner.ts";
import { createPendingInstances } from "./pending-instances.ts";
import type { Probe } from "./probe.ts";
import { createReporter } from "./reporter.ts";

/** What the node should run, at one revision of its feed. */
export interface DesiredState {
  /** Revision of the feed. */
  readonly revision: number;
  /** All services of this node. */
  readonly services: readonly DesiredService[];
  /** Services whose wish cannot be read: their containers are left as they are. */
  readonly frozen?: readonly string[];
}

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
  const { podman, platform, notes, log } = options;
  const wake = createNotifier();
  const looked = createNotifier();
  const pending = createPendingInstances();
  let desired: DesiredState | undefined;
  let appliedRevision = 0;
  let hasLooked = false;

  const services = () => desired?.services ?? [];
  const findService = (name: string) => services().find(({ service }) => service === name);
  const fingerprintOf = (name: string) => toFingerprint(findService(name));

  const tracker = createInstanceTracker({
    podman,
    platform,
    notes,
    log,
    probe: options.probe,
    ...(options.healthTimings === undefined ? {} : { timings: options.healthTimings }),
    deploymentOf(instance) {
      const service = findService(instance.service);
      const fits = service?.components.some((one) =>
        one.name === instance.component && one.specHash === instance.specHash
      );
      return fits && service !== undefined ? service.deploymentId : instance.deploymentId;
    },
    onChange: () => reporter.notify(),
    onNews: () => wake.notify(),
    onCrash: (instance) => runner.hold(componentKey(instance), fingerprintOf(instance.service)),
    onSteady: (instance) => runner.release(componentKey(instance)),
  });
  const runner = createOperationRunner({
    execute: createGroupExecutor({ ...options, tracker, pending }),
    onEnd: () => wake.notify(),
    ...(options.holdMs === undefined ? {} : { holdMs: options.holdMs }),
  });
  const reporter = createReporter({
    controlPlane: options.controlPlane,
    build: () => (hasLooked ? report() : undefined),
    log,
    ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
  });

  function report(): NodeReport {
    return toNodeReport({
      appliedRevision,
      desired: services(),
      observed: tracker.observed(),
      transitions: tracker.transitions,
      pending: pending.list(),
      troubles: tracker.troubles,
    });
  }

  async function provide(
    observed: readonly ObservedInstance[],
    isWanted: (key: string) => boolean,
  ): Promise<Map<string, Provision>> {
    const missing = componentsToCreate({ desired: services(), observed })
      .map((one) => ({ ...one, key: componentKey({ service: one.service.service, component: one.component.name }) }))
      .filter(({ key }) => isWanted(key));
    const taken = runner.running().flatMap((
      operation,
    ) => (operation.kind === "create" ? Object.values(operation.ports) : []));
    const used = new Set([...observed.flatMap(({ ports }) => Object.values(ports)), ...taken]);
    const provisions = new Map<string, Provision>();
    for (const { key, component, portCount } of missing) {
      const hasImage = await podman.imageExists(toPullReference(component));
      const ports = portCount === 0 ? [] : await findFreePorts(portCount, { used });
      for (const port of ports) used.add(port);
      provisions.set(key, { ports, hasImage });
    }
    return provisions;
  }

  /** Looks, plans, and hands over what is to be done; never waits for it. */
  async function reconcile(): Promise<void> {
    const all = await tracker.refresh();
    const target = desired;
    const observed = all.filter(({ service }) => !target?.frozen?.includes(service));
    if (target !== undefined) {
      pending.keepOnly(target.services, new Set(all.map(({ containerName }) => containerName)));
      const hasOutdated = runner.cancelOutdated(fingerprintOf);
      const isFree = (key: string) => !runner.isBusy(key, fingerprintOf(serviceOf(key)));
      const provisions = await provide(observed, isFree);
      // What is desired may have changed while podman was asked: then the next pass, which is due already, plans.
      if (target !== desired) return;
      const plan = planNode({ platform, desired: target.services, observed, provisions });
      launchAll(plan);
      // Until what was begun for an older state has ended, the newer one is not applied.
      if (!hasOutdated) appliedRevision = target.revision;
    }
    hasLooked = true;
    looked.notify();
    reporter.notify();
  }

  function launchAll(plan: readonly Operation[]): void {
    for (const group of groupOperations(plan, findService)) {
      if (!runner.launch(group)) continue;
      const service = findService(serviceOf(group.key));
      if (service !== undefined) pending.begin(group, service);
      markTransitions(group.operations);
    }
  }

  /** What is about to stop or restart is reported so together with the revision that asked for it. */
  function markTransitions(operations: readonly Operation[]): void {
    for (const operation of operations) {
      if (operation.kind === "pull" || operation.kind === "create") return;
      if (operation.containerId === undefined) continue;
      const isStop = operation.kind === "stop" || operation.kind === "remove";
      tracker.setTransition(operation.containerId, isStop ? "stopping" : "starting");
    }
  }

  async function reconcileOnce(signal: AbortSignal): Promise<void> {
    using pause = disposableController(signal);
    const woken = wake.wait(pause.signal);
    await reconcile();
    const resyncMs = options.resyncMs ?? 10_000;
    await Promise.race([woken, waitFor(Math.min(resyncMs, runner.nextReleaseMs() ?? resyncMs), pause.signal)]);
  }

  async function followEvents(signal: AbortSignal): Promise<void> {
    wake.notify();
    for await (const event of podman.streamEvents(`${platformLabel}=${platform}`, signal)) {
      if (["died", "remove", "start"].includes(event.status)) wake.notify();
    }
    if (!signal.aborted) await waitFor(100, signal);
  }

  return {
    apply(next) {
      desired = next;
      wake.notify();
    },
    async run(signal) {
      const bounds = { log, signal, minMs: 100, maxMs: 5_000 };
      await Promise.all([
        runLoop(reconcileOnce, { name: "reconcile", ...bounds }),
        runLoop(followEvents, { name: "podman events", ...bounds }),
        reporter.run(signal),
      ]);
      tracker.stop();
      await runner.stop();
    },
    async plan() {
      const observed = tracker.observed().filter(({ service }) => !desired?.frozen?.includes(service));
      return planNode({ platform, desired: services(), observed, provisions: await provide(observed, () => true) });
    },
    report,
    observed: () => tracker.observed(),
    changed: (signal) => looked.wait(signal),
  };
}

/** A signal that aborts with its parent, or when its scope ends. */
function disposableController(parent: AbortSignal): Disposable & { readonly signal: AbortSignal } {
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
