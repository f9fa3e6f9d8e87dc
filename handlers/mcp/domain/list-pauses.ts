import type { Deployment } from "#shared/contract/mcp.ts";
import type { DesiredComponent, InstanceReport } from "#shared/contract/state.ts";

/** What decides whether requests are held. */
export interface PauseFacts {
  /** The deployment that is under way. */
  readonly open:
    | {
      readonly kind: Deployment["kind"];
      readonly status: Deployment["status"];
      readonly components: readonly DesiredComponent[];
    }
    | undefined;
  /** Components that the routes point to. */
  readonly routed: readonly DesiredComponent[];
  /** All instances of the service that its node reports. */
  readonly instances: readonly InstanceReport[];
}

/** Key of a route within its service, whatever port it is routed at. */
export function pauseKey(component: string, routeName: string | undefined): string {
  return `${component}/${routeName ?? ""}`;
}

/**
 * How long requests to each route are held now, in seconds, by {@link pauseKey}. Held are those to a component whose only instance is being
 * replaced (`recreate`) or restarted: from when the old one stops, which the node does once it has the new image, until the routes point
 * to a healthy one. While an image is pulled the old one serves.
 */
export function listPauses({ open, routed, instances }: PauseFacts): Map<string, number> {
  const pauses = new Map<string, number>();
  if (open === undefined || !mayInterrupt(open)) return pauses;
  for (const component of open.components) {
    const before = routed.find(({ name }) => name === component.name);
    const isReplaced = component.strategy === "recreate" || open.kind === "restart";
    if (before === undefined || !isReplaced || !isInterrupted(before, component, instances)) continue;
    for (const { name, pauseSeconds } of component.routes) {
      if (pauseSeconds !== undefined) pauses.set(pauseKey(component.name, name), pauseSeconds);
    }
  }
  return pauses;
}

function mayInterrupt({ kind, status }: Pick<Deployment, "kind" | "status">): boolean {
  return kind !== "stop" && kind !== "undeploy" && (status === "starting" || status === "reverting");
}

function isInterrupted(
  before: DesiredComponent,
  next: DesiredComponent,
  instances: readonly InstanceReport[],
): boolean {
  const statesOf = (specHash: string) =>
    instances.filter((one) => one.component === next.name && one.specHash === specHash).map(({ state }) => state);
  // A new instance that is started says that the old one was told to stop, though the report may still have it as healthy.
  const isReplacing = next.specHash !== before.specHash &&
    statesOf(next.specHash).some((state) => state === "starting" || state === "healthy" || state === "unhealthy");
  return isReplacing || !statesOf(before.specHash).includes("healthy");
}
