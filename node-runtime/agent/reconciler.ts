import type { AgentPodman } from "./agent-ports.ts";
import type { DesiredHolder } from "./desired-holder.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import type { Operation } from "./domain/operation.ts";
import { componentKey, componentsToCreate, planNode } from "./domain/plan.ts";
import type { Provision } from "./domain/plan-component.ts";
import { toPullReference } from "./domain/planned-container.ts";
import { findFreePorts } from "./free-ports.ts";
import type { InstanceTracker } from "./instance-tracker.ts";
import { groupOperations, type OperationRunner, serviceOf } from "./operation-runner.ts";
import type { PendingInstances } from "./pending-instances.ts";

/** What {@link createReconciler} needs. */
export interface ReconcilerOptions {
  readonly podman: Pick<AgentPodman, "imageExists">;
  readonly platform: string;
  readonly desired: DesiredHolder;
  readonly tracker: InstanceTracker;
  readonly runner: OperationRunner;
  readonly pending: PendingInstances;
}

/** Compares what is desired with what is there. */
export interface Reconciler {
  /** Looks, plans, and hands over what is to be done, without waiting for it. */
  reconcile(): Promise<void>;
  /** What would be done now, all components considered. */
  plan(): Promise<Operation[]>;
  /** Newest revision that no running operation contradicts. */
  readonly appliedRevision: number;
}

/** A reconciler that has applied nothing. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { desired, tracker, runner, platform } = options;
  let appliedRevision = 0;

  async function planFor(
    all: readonly ObservedInstance[],
    isWanted: (key: string) => boolean,
  ): Promise<Operation[] | undefined> {
    const target = desired.current;
    const observed = desired.withoutFrozen(all);
    const provisions = await provide(observed, isWanted, options);
    // What is desired may have changed while podman was asked: then the next pass, which is due already, plans.
    if (target === undefined || target !== desired.current) return undefined;
    return planNode({ platform, desired: target.services, observed, provisions });
  }
  return {
    get appliedRevision() {
      return appliedRevision;
    },
    async reconcile() {
      const observed = await tracker.refresh();
      const target = desired.current;
      if (target === undefined) return;
      options.pending.keepOnly(target.services, new Set(observed.map(({ containerName }) => containerName)));
      const hasOutdated = runner.cancelOutdated(desired.fingerprintOf);
      const plan = await planFor(observed, (key) => !runner.isBusy(key, desired.fingerprintOf(serviceOf(key))));
      if (plan === undefined) return;
      launchAll(plan, options);
      // Until what was begun for an older state has ended, the newer one is not applied.
      if (!hasOutdated) appliedRevision = target.revision;
    },
    plan: async () => await planFor(tracker.observed(), () => true) ?? [],
  };
}

/** Ports and image facts for the components that have no instance. */
async function provide(
  observed: readonly ObservedInstance[],
  isWanted: (key: string) => boolean,
  options: ReconcilerOptions,
): Promise<Map<string, Provision>> {
  const missing = componentsToCreate({ desired: options.desired.services(), observed })
    .map((one) => ({ ...one, key: componentKey({ service: one.service.service, component: one.component.name }) }))
    .filter(({ key }) => isWanted(key));
  const promised = options.runner.running().flatMap((one) => (one.kind === "create" ? Object.values(one.ports) : []));
  const owned = options.tracker.observed().flatMap(({ ports }) => Object.values(ports));
  const used = new Set([...owned, ...promised]);
  const provisions = new Map<string, Provision>();
  for (const { key, component, portCount } of missing) {
    const hasImage = await options.podman.imageExists(toPullReference(component));
    const ports = portCount === 0 ? [] : await findFreePorts(portCount, { used });
    for (const port of ports) used.add(port);
    provisions.set(key, { ports, hasImage });
  }
  return provisions;
}

function launchAll(plan: readonly Operation[], { runner, pending, desired, tracker }: ReconcilerOptions): void {
  for (const group of groupOperations(plan, desired.find)) {
    if (!runner.launch(group)) continue;
    const service = desired.find(serviceOf(group.key));
    if (service !== undefined) pending.begin(group, service);
    markTransitions(group.operations, tracker);
  }
}

/** What is about to stop or restart is reported so together with the revision that asked for it. */
function markTransitions(operations: readonly Operation[], tracker: InstanceTracker): void {
  for (const operation of operations) {
    if (operation.kind === "pull" || operation.kind === "create") return;
    if (operation.containerId === undefined) continue;
    const isStop = operation.kind === "stop" || operation.kind === "remove";
    tracker.setTransition(operation.containerId, isStop ? "stopping" : "starting");
  }
}
