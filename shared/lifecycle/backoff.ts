/** Longest wait between tries unless another one is given, in milliseconds. */
export const defaultMaxMs = 10_000;

/** How the waits between tries grow. */
export interface BackoffOptions {
  /** First wait, in milliseconds. */
  readonly minMs?: number;
  /** Longest wait, in milliseconds. */
  readonly maxMs?: number;
  /** Source of randomness in [0, 1); `Math.random` unless given. */
  readonly random?: () => number;
}

/** Waits that double from `minMs` to `maxMs`, each with up to half taken off at random so that clients spread out. */
export interface Backoff {
  /** The next wait in milliseconds. */
  next(): number;
  /** Starts again from `minMs`; called after a success. */
  reset(): void;
}

/**
 * A backoff with jitter.
 *
 * @example
 * ```ts
 * import { createBackoff } from "#shared/lifecycle/backoff.ts";
 * const backoff = createBackoff({ minMs: 100, maxMs: 400, random: () => 0 });
 * console.assert(backoff.next() === 100 && backoff.next() === 200);
 * ```
 */
export function createBackoff(options: BackoffOptions = {}): Backoff {
  const { minMs = 100, maxMs = defaultMaxMs, random = Math.random } = options;
  if (!(minMs > 0) || maxMs < minMs) {
    throw new RangeError(`Cannot back off from ${minMs} ms to ${maxMs} ms: expected 0 < minMs <= maxMs`);
  }
  let baseMs = minMs;
  return {
    next() {
      const waitMs = Math.round(baseMs * (1 - random() / 2));
      baseMs = Math.min(baseMs * 2, maxMs);
      return waitMs;
    },
    reset() {
      baseMs = minMs;
    },
  };
}
