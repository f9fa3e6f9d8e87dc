import type { DesiredComponent, DesiredService } from "#shared/contract/state.ts";
import { type ObservedInstance, toTarget } from "./observed-instance.ts";
import type { Operation } from "./operation.ts";
import { judgeComponent, planComponent, type Provision } from "./plan-component.ts";
import { portKeys } from "./ports.ts";

/** What a plan is made from. */
export interface PlanInput {
  /** Value of the label that marks our containers. */
  readonly platform: string;
  /** What should run: all services of this node. */
  readonly desired: readonly DesiredService[];
  /** What is there: all containers of ours. */
  readonly observed: readonly ObservedInstance[];
  /** For each component that {@link componentsToCreate} names, by {@link componentKey}. Without one it is not created yet. */
  readonly provisions: ReadonlyMap<string, Provision>;
}

/** A component that has no instance yet. */
export interface MissingComponent {
  readonly service: DesiredService;
  readonly component: DesiredComponent;
  /** How many host ports it needs. */
  readonly portCount: number;
}

/** `<service>/<component>`: operations of one key follow each other, those of different keys are independent. */
export function componentKey(of: { readonly service: string; readonly component: string }): string {
  return `${of.service}/${of.component}`;
}

/** The components that a plan would create an instance of: what the caller provides ports and image facts for. */
export function componentsToCreate(input: Omit<PlanInput, "provisions" | "platform">): MissingComponent[] {
  return input.desired.filter(({ state }) => state === "running").flatMap((service) =>
    service.components
      .filter((component) => judgeComponent(service, component, input.observed).current === undefined)
      .map((component) => ({ service, component, portCount: portKeys(component.routes).length }))
  );
}

/**
 * The operations that lead from what is there to what should be, in an order that never stops a serving instance before it must.
 * Pure: equal inputs give equal plans, and a plan that was carried out leads to an empty one.
 */
export function planNode(input: PlanInput): Operation[] {
  const takenNames = new Set(input.observed.map(({ containerName }) => containerName));
  const planned = input.desired.flatMap((service) =>
    service.components.flatMap((component) =>
      planComponent({
        platform: input.platform,
        service,
        component,
        observed: input.observed,
        takenNames,
        provision: input.provisions.get(componentKey({ service: service.service, component: component.name })),
      })
    )
  );
  return [...planned, ...input.observed.flatMap((instance) => planUnwanted(instance, input.desired))];
}

/** What happens to an instance whose component, or whole service, is not desired. */
function planUnwanted(instance: ObservedInstance, desired: readonly DesiredService[]): Operation[] {
  const service = desired.find((candidate) => candidate.service === instance.service);
  if (service?.components.some(({ name }) => name === instance.component)) return [];
  const stop: Operation[] = instance.state === "running" ? [{ kind: "stop", ...toTarget(instance) }] : [];
  if (service === undefined || !service.keepOld) return [...stop, { kind: "remove", ...toTarget(instance) }];
  return service.state === "stopped" ? stop : [];
}
