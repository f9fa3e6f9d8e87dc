import type { HealthCheck } from "#shared/contract/state.ts";
import type { OperationTarget } from "./operation.ts";

/** Why an instance counts as failed. It is not started again for the same deployment. */
export interface InstanceFailure {
  /** Deployment during which it failed. */
  readonly deploymentId: string;
  /** Reason for people. */
  readonly reason: string;
  /** Exit code, when it exited. */
  readonly exitCode?: number | undefined;
  /** Last lines of its output, oldest first. */
  readonly lastLog: readonly string[];
}

/** One of our containers as the agent sees it: labels, podman's state, and what the agent remembers. */
export interface ObservedInstance {
  /** Podman's id. */
  readonly containerId: string;
  /** Podman's name. */
  readonly containerName: string;
  /** Service that it belongs to. */
  readonly service: string;
  /** Component of the service. */
  readonly component: string;
  /** Id of the instance: the suffix of the container's name. */
  readonly instance: string;
  /** Revision that created it. */
  readonly revision: number;
  /** Hash of all that made it. */
  readonly specHash: string;
  /** Deployment that created it. */
  readonly deploymentId: string;
  /** Image reference as the definition has it. */
  readonly image: string;
  /** Host port by route name; `""` is the unnamed route. */
  readonly ports: Readonly<Record<string, number>>;
  /** How its health is asked. */
  readonly healthCheck: HealthCheck;
  /** Whether it starts again after it exited by itself. */
  readonly restart: "no" | "on-failure" | "always" | "unless-stopped";
  /** Restart generation under which it last started. */
  readonly restartGeneration: number;
  /** What podman says. */
  readonly state: "created" | "running" | "exited";
  /** Exit code of the last run; 0 before. */
  readonly exitCode: number;
  /** When it last started, ISO 8601. */
  readonly startedAt: string | undefined;
  /** Whether the agent stopped it on purpose. */
  readonly stoppedByAgent: boolean;
  /** Health as last probed; means something only while it runs. */
  readonly health: "starting" | "healthy" | "unhealthy";
  /** It exited before it was ever healthy, and what that means is not yet decided: nothing starts it meanwhile. */
  readonly awaitsJudgement: boolean;
  /** Set when it failed. */
  readonly failure: InstanceFailure | undefined;
}

/** Whether an instance that does not run may be started again. */
export function mayStart(instance: ObservedInstance): boolean {
  if (instance.failure !== undefined || instance.awaitsJudgement) return false;
  if (instance.state === "created" || instance.stoppedByAgent) return true;
  if (instance.restart === "no") return false;
  return instance.restart !== "on-failure" || instance.exitCode !== 0;
}

/** The instance as the target of an operation. */
export function toTarget(instance: ObservedInstance): OperationTarget & { readonly containerId: string } {
  const { service, component, instance: id, containerName, containerId } = instance;
  return { service, component, instance: id, containerName, containerId };
}
