import type { Backend } from "#shared/contract/route.ts";
import { backendKey } from "./routes.ts";

/** Counts what runs at each instance, and picks by it. */
export interface InstanceLoad {
  /** Counts one connection or request at `instance` until the returned function is called; calling it again does nothing. */
  enter(instance: string): () => void;
  /** How many connections and requests run at `instance`. */
  count(instance: string): number;
  /** Counts of all instances outside `named`: what drains. */
  outside(named: ReadonlySet<string>): Record<string, number>;
  /** The backend with the fewest; equals take turns. `undefined` when the key of every one is in `excluded`. */
  pick(backends: readonly Backend[], excluded?: ReadonlySet<string>): Backend | undefined;
}

/** A load of zero; `onChange` is called at every change. */
export function createInstanceLoad(onChange: (instance: string, count: number) => void): InstanceLoad {
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
    pick(backends, excluded = new Set()) {
      const candidates = backends.filter((backend) => !excluded.has(backendKey(backend)));
      const fewest = Math.min(...candidates.map((backend) => counts.get(backend.instance) ?? 0));
      const equals = candidates.filter((backend) => (counts.get(backend.instance) ?? 0) === fewest);
      turn = (turn + 1) % 0x1000_0000;
      return equals[turn % equals.length];
    },
  };
}
