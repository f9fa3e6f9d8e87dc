import type { Backend } from "#shared/contract/route.ts";
import { createInstanceHealth, type InstanceHealth } from "./instance-health.ts";
import { backendKey } from "./routes.ts";

/** Counts what runs at each instance, and picks by it. */
export interface InstanceLoad {
  /** Counts one connection or request at `instance` until the returned function is called; calling it again does nothing. */
  enter(instance: string): () => void;
  /** How many connections and requests run at `instance`. */
  count(instance: string): number;
  /** Counts of all instances outside `named`: what drains. */
  outside(named: ReadonlySet<string>): Record<string, number>;
  /**
   * The backend with the fewest; equals take turns. One that failed lately is picked only when there is no other, and `undefined` is
   * given when the key of every one is in `excluded`.
   */
  pick(backends: readonly Backend[], excluded?: ReadonlySet<string>): Backend | undefined;
  /** Says that `backend` refused a connection or did not answer: others are picked for a short time that grows with each failure. */
  failed(backend: Backend): void;
  /** Says that `backend` took a connection. */
  worked(backend: Backend): void;
  /** Addresses that failed lately, and for how many milliseconds more others are preferred. */
  aside(): Record<string, number>;
}

/** A load of zero; `onChange` is called at every change. */
export function createInstanceLoad(
  onChange: (instance: string, count: number) => void,
  health: InstanceHealth = createInstanceHealth(),
): InstanceLoad {
  const counts = new Map<string, number>();
  let turn = 0;

  function add(instance: string, step: 1 | -1): void {
    const count = (counts.get(instance) ?? 0) + step;
    if (count === 0) counts.delete(instance);
    else counts.set(instance, count);
    onChange(instance, count);
  }

  return {
    enter(instance) {
      let entered = true;
      add(instance, 1);
      return () => {
        if (entered) add(instance, -1);
        entered = false;
      };
    },
    count: (instance) => counts.get(instance) ?? 0,
    outside: (named) => Object.fromEntries([...counts].filter(([instance]) => !named.has(instance))),
    pick(backends, excluded) {
      turn = (turn + 1) % 0x1000_0000;
      const isExcluded = (backend: Backend) => excluded?.has(backendKey(backend)) ?? false;
      const isUnwanted = (backend: Backend) => isExcluded(backend) || health.isAside(backendKey(backend));
      const picked = fewest(backends, isUnwanted) ?? fewest(backends, isExcluded);
      if (picked !== undefined) health.tried(backendKey(picked));
      return picked;
    },
    failed: (backend) => health.failed(backendKey(backend)),
    worked: (backend) => health.worked(backendKey(backend)),
    aside: () => health.aside(),
  };

  /** Begins at another one each turn, so that equals take turns. */
  function fewest(backends: readonly Backend[], isLeftOut: (backend: Backend) => boolean): Backend | undefined {
    let best: Backend | undefined;
    let bestCount = Infinity;
    for (let index = 0; index < backends.length; index += 1) {
      const backend = backends[(turn + index) % backends.length];
      if (backend === undefined || isLeftOut(backend)) continue;
      const count = counts.get(backend.instance) ?? 0;
      if (count < bestCount) [best, bestCount] = [backend, count];
    }
    return best;
  }
}
