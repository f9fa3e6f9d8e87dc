import { type Backoff, createBackoff } from "#shared/lifecycle/backoff.ts";

/** Keys that wait before the next try, each a little longer than before. */
export interface Holds {
  /** Holds a key back, as long as what is desired of it does not change. */
  hold(key: string, fingerprint: string): void;
  /** Whether a key waits. */
  isHeld(key: string, fingerprint: string): boolean;
  /** The next hold of this key is a short one again. */
  release(key: string): void;
  /** Milliseconds until the first hold ends; `undefined` without one. */
  nextReleaseMs(): number | undefined;
}

/** No holds. */
export function createHolds(bounds: { readonly minMs: number; readonly maxMs: number }): Holds {
  const holds = new Map<string, { readonly fingerprint: string; readonly untilMs: number }>();
  const backoffs = new Map<string, Backoff>();
  return {
    hold(key, fingerprint) {
      const backoff = backoffs.get(key) ?? createBackoff(bounds);
      backoffs.set(key, backoff);
      holds.set(key, { fingerprint, untilMs: performance.now() + backoff.next() });
    },
    isHeld(key, fingerprint) {
      const current = holds.get(key);
      if (current === undefined) return false;
      if (current.fingerprint === fingerprint && current.untilMs > performance.now()) return true;
      holds.delete(key);
      if (current.fingerprint !== fingerprint) backoffs.delete(key);
      return false;
    },
    release: (key) => void backoffs.delete(key),
    nextReleaseMs() {
      const nowMs = performance.now();
      const untils = [...holds.values()].map(({ untilMs }) => untilMs);
      for (const [key, { untilMs }] of holds) if (untilMs <= nowMs) holds.delete(key);
      return untils.length === 0 ? undefined : Math.max(1, Math.min(...untils) - nowMs);
    },
  };
}
