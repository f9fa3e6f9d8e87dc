import type { WindowCounters, WindowLimit } from "./window-counters.ts";

/** Bounds of the connections of one client and of all. What is missing is not bounded. */
export interface ConnectionLimits {
  /** New connections of one client within a sliding window. */
  readonly rate?: WindowLimit;
  readonly maxOpenPerAddress?: number;
  readonly maxOpenTotal?: number;
}

/** Which bound a connection met. */
export type ConnectionRefusal = "connection-rate" | "address-connections" | "total-connections";

/** Whether a connection may stay; whoever gets one calls `release` when it has ended. */
export type Admission =
  | { readonly kind: "admitted"; readonly release: () => void }
  | { readonly kind: "refused"; readonly reason: ConnectionRefusal };

/** Bounds connections by client: an IPv4 address or an IPv6 /64 (LIM7). */
export interface ConnectionLimiter {
  /** Counts a new connection of `address` within `limits`. */
  admit(address: string, limits: ConnectionLimits): Admission;
  /** Connections open now. */
  openTotal(): number;
}

/** What {@link createConnectionLimiter} needs. */
export interface ConnectionLimiterDependencies {
  /** Shared by all workers when their limits are to be one. */
  readonly counters: WindowCounters;
  /** Milliseconds since 1970: the same for all workers. */
  readonly clock?: () => number;
}

const unbounded = 0x7fffffff;

/** A limiter over `counters`. */
export function createConnectionLimiter(dependencies: ConnectionLimiterDependencies): ConnectionLimiter {
  const { counters, clock = Date.now } = dependencies;
  return {
    admit(address, limits) {
      const key = { address, scope: 0 };
      const nowMs = clock();
      const open = { perAddress: limits.maxOpenPerAddress ?? unbounded, total: limits.maxOpenTotal ?? unbounded };
      const opened = counters.open(key, open, nowMs);
      if (opened.kind === "full") return { kind: "refused", reason: `${opened.reason}-connections` };
      // Asked last, since only what is admitted counts.
      if (limits.rate === undefined || counters.take(key, limits.rate, nowMs) === 0) {
        return { kind: "admitted", release: opened.close };
      }
      opened.close();
      return { kind: "refused", reason: "connection-rate" };
    },
    openTotal: () => counters.openTotal(),
  };
}
