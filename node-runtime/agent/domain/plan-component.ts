import type { DesiredComponent, DesiredService } from "#shared/contract/state.ts";
import { mayStart, type ObservedInstance, toTarget } from "./observed-instance.ts";
import type { Operation } from "./operation.ts";
import { nextInstance, toPlannedContainer, toPullReference } from "./planned-container.ts";
import { portKeys } from "./ports.ts";

/** What a new instance needs from the machine. */
export interface Provision {
  /** Free host ports, one for each distinct route name. */
  readonly ports: readonly number[];
  /** Whether the image is stored locally. */
  readonly hasImage: boolean;
}

/** The instances of one desired component, by what becomes of them. */
export interface JudgedInstances {
  /** The one that is, or will be, the component. */
  readonly current: ObservedInstance | undefined;
  /** Of the right spec, but failed in an earlier deployment or one too many: these go. */
  readonly rejected: readonly ObservedInstance[];
  /** Of another spec. */
  readonly stale: readonly ObservedInstance[];
}

interface ComponentInput {
  readonly platform: string;
  readonly service: DesiredService;
  readonly component: DesiredComponent;
  readonly observed: readonly ObservedInstance[];
  readonly takenNames: ReadonlySet<string>;
  readonly provision: Provision | undefined;
}

/** Sorts the instances of a component by what becomes of them. */
export function judgeComponent(
  service: DesiredService,
  component: DesiredComponent,
  observed: readonly ObservedInstance[],
): JudgedInstances {
  const own = observed.filter((one) => one.service === service.service && one.component === component.name);
  const fitting = own.filter((one) => one.specHash === component.specHash);
  const accepted = fitting.filter(({ failure }) =>
    failure === undefined || failure.deploymentId === service.deploymentId
  );
  const current = accepted.toSorted((a, b) => worth(b) - worth(a) || (a.containerId < b.containerId ? -1 : 1))[0];
  return {
    current,
    rejected: fitting.filter((one) => one !== current),
    stale: own.filter((one) => one.specHash !== component.specHash),
  };
}

/** The operations of one component; see {@link planNode}. */
export function planComponent(input: ComponentInput): Operation[] {
  const judged = judgeComponent(input.service, input.component, input.observed);
  return input.service.state === "stopped" ? planStopped(input.service, judged) : planRunning(input, judged);
}

function worth(instance: ObservedInstance): number {
  if (instance.failure !== undefined) return 0;
  if (instance.state !== "running") return 1;
  return instance.health === "healthy" ? 3 : 2;
}

function planStopped(service: DesiredService, judged: JudgedInstances): Operation[] {
  const { current, rejected, stale } = judged;
  const kept = service.keepOld ? [...rejected, ...stale] : [];
  const gone = service.keepOld ? [] : [...rejected, ...stale];
  return [...[...(current === undefined ? [] : [current]), ...kept].flatMap(stop), ...gone.flatMap(stopAndRemove)];
}

function planRunning(input: ComponentInput, judged: JudgedInstances): Operation[] {
  const { service, component } = input;
  const { current, rejected, stale } = judged;
  const first = rejected.flatMap(stopAndRemove);
  // With `recreate` two instances never run at once: they may share a volume. The old one stays, stopped, to come back to.
  const makeRoom = component.strategy === "recreate" ? stale.flatMap(stop) : [];
  const last = service.keepOld ? planKept(component, stale) : stale.flatMap(stopAndRemove);
  if (current !== undefined) return distinct([...first, ...makeRoom, ...planCurrent(service, current), ...last]);
  const creation = planCreation(input);
  // Nothing stops for a new instance that cannot be made yet.
  if (creation === undefined) return first;
  return distinct([...first, ...creation.before, ...makeRoom, ...creation.after, ...last]);
}

function planCurrent(service: DesiredService, current: ObservedInstance): Operation[] {
  const { restartGeneration } = service;
  if (current.failure !== undefined) return [];
  if (current.state !== "running") {
    return mayStart(current) ? [{ kind: "start", ...toTarget(current), restartGeneration }] : [];
  }
  return current.restartGeneration < restartGeneration
    ? [{ kind: "restart", ...toTarget(current), restartGeneration }]
    : [];
}

/** Old instances that still serve while the new one is proven: one that crashed comes back, one that was stopped does not. */
function planKept(component: DesiredComponent, stale: readonly ObservedInstance[]): Operation[] {
  if (component.strategy === "recreate") return [];
  return stale
    .filter((one) => one.state === "exited" && !one.stoppedByAgent && mayStart(one))
    .map((one) => ({ kind: "start", ...toTarget(one), restartGeneration: one.restartGeneration }));
}

/** The image comes before anything stops; the container after. */
function planCreation(input: ComponentInput): { before: Operation[]; after: Operation[] } | undefined {
  const { service, component, provision } = input;
  const keys = portKeys(component.routes);
  if (provision === undefined || provision.ports.length < keys.length) return undefined;
  const target = nextInstance(service, component, input.takenNames);
  const ports = Object.fromEntries(keys.flatMap((key, index) => {
    const port = provision.ports[index];
    return port === undefined ? [] : [[key, port]];
  }));
  const container = toPlannedContainer(input.platform, service, { component, target, ports });
  const { restartGeneration } = service;
  return {
    before: provision.hasImage
      ? []
      : [{ kind: "pull", ...target, image: component.image, reference: toPullReference(component) }],
    after: [
      { kind: "create", ...target, container, ports },
      { kind: "start", ...target, containerId: undefined, restartGeneration },
    ],
  };
}

function stop(instance: ObservedInstance): Operation[] {
  return instance.state === "running" ? [{ kind: "stop", ...toTarget(instance) }] : [];
}

function stopAndRemove(instance: ObservedInstance): Operation[] {
  return [...stop(instance), { kind: "remove", ...toTarget(instance) }];
}

/** The operations without a second stop of what was stopped to make room. */
function distinct(operations: readonly Operation[]): Operation[] {
  const seen = new Set<string>();
  return operations.filter((operation) => {
    const key = `${operation.kind} ${operation.containerName}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
