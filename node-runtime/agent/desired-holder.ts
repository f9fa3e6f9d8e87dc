import type { DesiredService } from "#shared/contract/state.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import { toFingerprint } from "./operation-runner.ts";

/** What the node should run, at one revision of its feed. */
export interface DesiredState {
  /** Revision of the feed. */
  readonly revision: number;
  /** All services of this node. */
  readonly services: readonly DesiredService[];
  /** Services whose wish cannot be read: their containers are left as they are. */
  readonly frozen?: readonly string[];
}

/** The desired state of this moment. */
export interface DesiredHolder {
  /** `undefined` until it is first known. */
  readonly current: DesiredState | undefined;
  /** Replaces it. */
  set(state: DesiredState): void;
  /** All desired services. */
  services(): readonly DesiredService[];
  /** The desired service of this name. */
  find(service: string): DesiredService | undefined;
  /** Changes with what is desired of a service. */
  fingerprintOf(service: string): string;
  /** The deployment that an instance stands for: the newest one when it fits that, else the one that created it. */
  deploymentOf(instance: ObservedInstance): string;
  /** The instances that may be touched. */
  withoutFrozen(observed: readonly ObservedInstance[]): ObservedInstance[];
}

/** A holder that does not know yet. */
export function createDesiredHolder(): DesiredHolder {
  let current: DesiredState | undefined;
  const find = (name: string) => current?.services.find(({ service }) => service === name);
  return {
    get current() {
      return current;
    },
    set: (state) => void (current = state),
    services: () => current?.services ?? [],
    find,
    fingerprintOf: (service) => toFingerprint(find(service)),
    deploymentOf(instance) {
      const service = find(instance.service);
      const fits = service?.components.some((one) =>
        one.name === instance.component && one.specHash === instance.specHash
      );
      return fits && service !== undefined ? service.deploymentId : instance.deploymentId;
    },
    withoutFrozen: (observed) => observed.filter(({ service }) => !current?.frozen?.includes(service)),
  };
}
