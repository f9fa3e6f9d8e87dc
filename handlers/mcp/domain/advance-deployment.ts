import type { Deployment } from "#shared/contract/mcp.ts";
import type { DesiredComponent, InstanceReport } from "#shared/contract/state.ts";
import { listRouteKeys } from "./desired-components.ts";

/** All that decides what happens next to a deployment. */
export interface DeploymentFacts {
  readonly kind: Deployment["kind"];
  readonly status: Deployment["status"];
  readonly components: readonly DesiredComponent[];
  /** Start time of each instance when the deployment was made. */
  readonly baseline: Readonly<Record<string, string>>;
  readonly deploymentId: string;
  /** Restart generation that the service has asked for last. */
  readonly restartGeneration: number;
  /** Revision of the routes feed that must be applied; `undefined` when this deployment changed no route. */
  readonly routesRevision: number | undefined;
  readonly released: boolean;
  readonly phaseAgeMs: number;
  /** Whether the real path was proven since the routes were applied. */
  readonly verified: boolean;
  /** All instances of the service that its node reports. */
  readonly instances: readonly InstanceReport[];
  readonly proxy: {
    readonly appliedRevision: number;
    readonly problems: Readonly<Record<string, string>>;
    readonly draining: Readonly<Record<string, number>>;
  };
}

/** What to do next. */
export type Decision =
  | { readonly kind: "wait" }
  /** New instances are healthy: point the routes to them. */
  | { readonly kind: "route" }
  /** The proxy has applied the routes: prove the real path. */
  | { readonly kind: "verify" }
  /** The real path works: let go of the old, once nothing is in flight to it. */
  | { readonly kind: "drain" }
  /** Nothing is in flight any more: tell the node. */
  | { readonly kind: "release" }
  | { readonly kind: "succeed"; readonly note?: string }
  | Revert
  | { readonly kind: "fail" };

/** Go back to what served before. */
export interface Revert {
  readonly kind: "revert";
  readonly reason: string;
  readonly log?: readonly string[];
  readonly component?: string;
  /** Whether a container never ran. */
  readonly neverRan?: boolean;
}

/** Longest stay in each phase, in milliseconds. */
export const phaseLimitsMs = {
  starting: 600_000,
  routing: 60_000,
  drainingRequests: 30_000,
  draining: 60_000,
  reverting: 60_000,
} as const;

/**
 * The next step of a deployment. Pure: the same facts give the same decision, so it does not matter which replica, report or tick
 * asks, nor how often.
 */
export function advanceDeployment(facts: DeploymentFacts): Decision {
  switch (facts.status) {
    case "starting":
      return whileStarting(facts);
    case "routing":
      return whileRouting(facts);
    case "draining":
      return whileDraining(facts);
    case "reverting":
      return whileReverting(facts);
    case "succeeded":
    case "failed":
    case "superseded":
      return { kind: "wait" };
  }
}

function whileStarting(facts: DeploymentFacts): Decision {
  for (const component of facts.components) {
    const failed = ownInstances(facts, component).find(({ state }) => state === "failed");
    if (failed !== undefined) {
      return {
        kind: "revert",
        reason: failed.reason ?? "the instance failed",
        component: component.name,
        neverRan: failed.startedAt === undefined,
        ...(failed.lastLog === undefined ? {} : { log: failed.lastLog }),
      };
    }
  }
  if (facts.components.every((component) => isUp(facts, component))) return { kind: "route" };
  if (facts.phaseAgeMs > phaseLimitsMs.starting) {
    return {
      kind: "revert",
      reason: `the new version was not healthy within ${phaseLimitsMs.starting / 60_000} minutes`,
    };
  }
  return { kind: "wait" };
}

function whileRouting(facts: DeploymentFacts): Decision {
  const isTakingDown = facts.kind === "stop" || facts.kind === "undeploy";
  if (facts.routesRevision === undefined) return { kind: "drain" };
  if (facts.proxy.appliedRevision < facts.routesRevision) {
    if (facts.phaseAgeMs <= phaseLimitsMs.routing) return { kind: "wait" };
    return isTakingDown
      ? { kind: "drain" }
      : { kind: "revert", reason: "the proxy did not apply the new routes in time" };
  }
  if (isTakingDown) return { kind: "drain" };
  const problem = listRouteKeys(facts.components).flatMap((key) => {
    const text = facts.proxy.problems[key];
    return text === undefined ? [] : [`route ${key}: ${text}`];
  })[0];
  if (problem !== undefined) return { kind: "revert", reason: problem };
  if (facts.verified) return { kind: "drain" };
  if (facts.phaseAgeMs > phaseLimitsMs.routing) {
    return { kind: "revert", reason: "the path through the proxy could not be proven in time" };
  }
  return { kind: "verify" };
}

function whileDraining(facts: DeploymentFacts): Decision {
  const leaving = leavingInstances(facts);
  if (!facts.released) {
    const inFlight = leaving.reduce((sum, { instance }) => sum + (facts.proxy.draining[instance] ?? 0), 0);
    return inFlight === 0 || facts.phaseAgeMs > phaseLimitsMs.drainingRequests ? { kind: "release" } : { kind: "wait" };
  }
  if (isGone(facts, leaving)) return { kind: "succeed" };
  if (facts.phaseAgeMs > phaseLimitsMs.draining) {
    return { kind: "succeed", note: "the node has not yet removed all old instances" };
  }
  return { kind: "wait" };
}

function whileReverting(facts: DeploymentFacts): Decision {
  const isBack = facts.instances.every((instance) => !isNew(facts, instance) || instance.state === "stopped");
  return isBack || facts.phaseAgeMs > phaseLimitsMs.reverting ? { kind: "fail" } : { kind: "wait" };
}

/** Instances of the version that this deployment asks for. */
function ownInstances(facts: DeploymentFacts, component: DesiredComponent): InstanceReport[] {
  return facts.instances.filter((instance) =>
    instance.component === component.name && instance.specHash === component.specHash &&
    // A failed instance of an earlier try says nothing about this one.
    (instance.state !== "failed" || instance.deploymentId === facts.deploymentId)
  );
}

function isUp(facts: DeploymentFacts, component: DesiredComponent): boolean {
  return ownInstances(facts, component).some((instance) => {
    if (instance.state !== "healthy") return false;
    return facts.kind !== "restart" || (instance.restartGeneration ?? 0) >= facts.restartGeneration;
  });
}

function isNew(facts: DeploymentFacts, instance: InstanceReport): boolean {
  return facts.components.some(({ name, specHash }) => name === instance.component && specHash === instance.specHash) &&
    facts.baseline[instance.instance] === undefined;
}

/** Instances that are no longer wanted once the deployment has succeeded. */
function leavingInstances(facts: DeploymentFacts): readonly InstanceReport[] {
  if (facts.kind === "stop" || facts.kind === "undeploy") return facts.instances;
  return facts.instances.filter((instance) =>
    !facts.components.some(({ name, specHash }) => name === instance.component && specHash === instance.specHash)
  );
}

function isGone(facts: DeploymentFacts, leaving: readonly InstanceReport[]): boolean {
  if (facts.kind === "stop") return leaving.every(({ state }) => state === "stopped" || state === "failed");
  return leaving.length === 0;
}
