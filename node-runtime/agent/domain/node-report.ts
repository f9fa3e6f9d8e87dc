import type { DesiredService, InstanceReport, NodeReport } from "#shared/contract/state.ts";
import { mayStart, type ObservedInstance } from "./observed-instance.ts";
import type { OperationTarget } from "./operation.ts";

/** An instance that has no container yet. */
export interface PendingInstance extends OperationTarget {
  /** What is being done, or `failed` when it could not be. */
  readonly state: "pulling" | "starting" | "failed";
  readonly revision: number;
  readonly specHash: string;
  readonly deploymentId: string;
  readonly image: string;
  /** Host port by route name, once allocated. */
  readonly ports: Readonly<Record<string, number>>;
  /** Why it could not be made. */
  readonly reason: string | undefined;
}

/** What is known of a container that is not well. */
export interface Trouble {
  /** Reason for people. */
  readonly reason: string;
  /** Last lines of its output, oldest first. */
  readonly lastLog: readonly string[];
}

/** What a report is made from. */
export interface ReportInput {
  readonly appliedRevision: number;
  readonly desired: readonly DesiredService[];
  readonly observed: readonly ObservedInstance[];
  /** Containers that an operation is stopping or starting at this moment. */
  readonly transitions: ReadonlyMap<string, "stopping" | "starting">;
  readonly pending: readonly PendingInstance[];
  /** By container id. */
  readonly troubles: ReadonlyMap<string, Trouble>;
}

const maxReasonLength = 2_000;
const maxLogLines = 50;

/** The report of a node: every container of ours, and what is about to become one. */
export function toNodeReport(input: ReportInput): NodeReport {
  const names = new Set(input.observed.map(({ containerName }) => containerName));
  const pending = input.pending.filter(({ containerName }) => !names.has(containerName));
  const reports = [...input.observed.map((one) => fromObserved(one, input)), ...pending.map(fromPending)];
  return {
    appliedRevision: input.appliedRevision,
    instances: reports.toSorted((a, b) => (instanceKey(a) < instanceKey(b) ? -1 : 1)),
  };
}

/** State of an instance as it is reported. */
export function toReportedState(
  instance: ObservedInstance,
  transition?: "stopping" | "starting",
): InstanceReport["state"] {
  if (transition !== undefined) return transition;
  if (instance.failure !== undefined) return "failed";
  if (instance.state === "running") return instance.health;
  if (instance.state === "created") return "starting";
  return !instance.stoppedByAgent && mayStart(instance) ? "unhealthy" : "stopped";
}

function instanceKey(report: InstanceReport): string {
  return `${report.service}/${report.component}/${report.instance}`;
}

function fromObserved(instance: ObservedInstance, input: ReportInput): InstanceReport {
  const state = toReportedState(instance, input.transitions.get(instance.containerId));
  const trouble = instance.failure ??
    (state === "healthy" || state === "stopping" ? undefined : input.troubles.get(instance.containerId));
  const exitCode = instance.failure?.exitCode ?? (instance.state === "exited" ? instance.exitCode : undefined);
  return {
    ...identityOf(instance, input.desired),
    instance: instance.instance,
    service: instance.service,
    component: instance.component,
    specHash: instance.specHash,
    state,
    image: instance.image,
    containerId: instance.containerId,
    containerName: instance.containerName,
    ports: instance.ports,
    restartGeneration: instance.restartGeneration,
    ...(instance.startedAt === undefined ? {} : { startedAt: instance.startedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(trouble === undefined
      ? {}
      : { reason: cut(trouble.reason), lastLog: trouble.lastLog.slice(-maxLogLines).map(cut) }),
  };
}

/**
 * The deployment and revision that an instance stands for. One that already fits the newest deployment stands for it, though an
 * earlier one created it; a failed one stands for the deployment in which it failed.
 */
function identityOf(
  instance: ObservedInstance,
  desired: readonly DesiredService[],
): { deploymentId: string; revision: number } {
  const service = desired.find((one) => one.service === instance.service);
  const fits = service?.components.some(({ name, specHash }) =>
    name === instance.component && specHash === instance.specHash
  );
  const { revision, deploymentId } = fits && service !== undefined ? service : instance;
  return { revision, deploymentId: instance.failure?.deploymentId ?? deploymentId };
}

function fromPending(pending: PendingInstance): InstanceReport {
  const { containerName, reason, ...facts } = pending;
  return { ...facts, containerName, ...(reason === undefined ? {} : { reason: cut(reason) }) };
}

function cut(text: string): string {
  return text.slice(0, maxReasonLength);
}
