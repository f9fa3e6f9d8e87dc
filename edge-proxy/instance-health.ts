/** How long an instance that failed is set aside: doubled with each failure, up to the most. */
const asideMs = { min: 1_000, max: 30_000 };

/** Remembers which addresses failed lately (passive health). */
export interface InstanceHealth {
  /** Whether connections should go elsewhere when they can. */
  isAside(key: string): boolean;
  /** Says that a connection goes there: if the time was over, nobody else does until that one has worked or the time is over again. */
  tried(key: string): void;
  /** Sets the address aside, for longer each time. */
  failed(key: string): void;
  /** Forgets what failed before. */
  worked(key: string): void;
  /** Addresses that are set aside now, and for how many milliseconds. */
  aside(): Record<string, number>;
}

/** A memory without failures; `now` is in milliseconds. */
export function createInstanceHealth(now: () => number = () => performance.now()): InstanceHealth {
  const failures = new Map<string, { untilMs: number; waitMs: number }>();
  return {
    isAside(key) {
      const failure = failures.size === 0 ? undefined : failures.get(key);
      return failure !== undefined && now() < failure.untilMs;
    },
    tried(key) {
      const failure = failures.size === 0 ? undefined : failures.get(key);
      if (failure !== undefined && now() >= failure.untilMs) failure.untilMs = now() + failure.waitMs;
    },
    failed(key) {
      const waitMs = Math.min((failures.get(key)?.waitMs ?? asideMs.min / 2) * 2, asideMs.max);
      failures.set(key, { untilMs: now() + waitMs, waitMs });
      // Addresses that no route names any more are never tried again: the oldest make room.
      const [oldest] = failures.keys();
      if (failures.size > 10_000 && oldest !== undefined) failures.delete(oldest);
    },
    worked(key) {
      if (failures.size > 0) failures.delete(key);
    },
    aside() {
      const nowMs = now();
      const current = [...failures].filter(([, { untilMs }]) => untilMs > nowMs);
      return Object.fromEntries(current.map(([key, { untilMs }]) => [key, Math.ceil(untilMs - nowMs)]));
    },
  };
}
