import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import type { DesiredService } from "#shared/contract/state.ts";
import type { PendingInstance } from "./domain/node-report.ts";
import type { OperationGroup } from "./operation-runner.ts";

/** Instances that have no container yet, by component key. */
export interface PendingInstances {
  /** All of them. */
  list(): PendingInstance[];
  /** A group that creates an instance begins. A failure of the same deployment stays reported until a try succeeds. */
  begin(group: OperationGroup, service: DesiredService): void;
  /** The pull is over, the container is being made. */
  advance(key: string): void;
  /** It could not be made. */
  fail(key: string, error: unknown): void;
  /** Ends those that no desired service asks for, and those that have a container now. */
  keepOnly(desired: readonly DesiredService[], containerNames: ReadonlySet<string>): void;
}

/** No pending instances. */
export function createPendingInstances(): PendingInstances {
  const pending = new Map<string, PendingInstance>();
  const change = (key: string, facts: Partial<PendingInstance>) => {
    const current = pending.get(key);
    if (current !== undefined) pending.set(key, { ...current, ...facts });
  };
  return {
    list: () => [...pending.values()],
    begin(group, service) {
      const created = toPending(group, service);
      if (created === undefined) return;
      const before = pending.get(group.key);
      const isRetry = before?.state === "failed" && before.deploymentId === created.deploymentId;
      pending.set(group.key, isRetry ? { ...created, state: "failed", reason: before.reason } : created);
    },
    advance(key) {
      if (pending.get(key)?.state === "pulling") change(key, { state: "starting" });
    },
    fail: (key, error) => change(key, { state: "failed", reason: toReason(error) }),
    keepOnly(desired, containerNames) {
      for (const [key, instance] of pending) {
        const isWanted = desired.some((service) => asksFor(service, instance));
        if (!isWanted || containerNames.has(instance.containerName)) pending.delete(key);
      }
    },
  };
}

/** Podman's own words when there are some, else the error's. */
export function toReason(error: unknown): string {
  return error instanceof PlatformError ? error.message : describeError(error);
}

function toPending(group: OperationGroup, service: DesiredService): PendingInstance | undefined {
  const create = group.operations.find((operation) => operation.kind === "create");
  const component = service.components.find(({ name }) => name === create?.component);
  if (create === undefined || component === undefined) return undefined;
  return {
    service: create.service,
    component: create.component,
    instance: create.instance,
    containerName: create.containerName,
    state: group.operations.some(({ kind }) => kind === "pull") ? "pulling" : "starting",
    revision: service.revision,
    specHash: component.specHash,
    deploymentId: service.deploymentId,
    image: component.image,
    ports: create.ports,
    reason: undefined,
  };
}

/** A revert may come under the same deployment: the spec counts too. */
function asksFor(service: DesiredService, { component, specHash, deploymentId, ...pending }: PendingInstance): boolean {
  if (service.service !== pending.service || service.deploymentId !== deploymentId || service.state !== "running") {
    return false;
  }
  return service.components.some((one) => one.name === component && one.specHash === specHash);
}
