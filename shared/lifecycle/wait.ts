import { PlatformError } from "../errors/platform-error.ts";

/**
 * Resolves after `ms` milliseconds, or as soon as `signal` aborts; the caller's loop looks at the signal.
 * For backoff and deadlines only, never to guess that something has happened.
 */
export function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) return Promise.resolve();
  const timer = setTimeout(finish, ms);
  signal?.addEventListener("abort", finish, { once: true });
  function finish(): void {
    clearTimeout(timer);
    signal?.removeEventListener("abort", finish);
    resolve();
  }
  return promise;
}

/** Bounds of {@link waitUntil}. */
export interface WaitUntilOptions {
  /** What is waited for, as in `Cannot <action>`; part of the timeout's message. */
  readonly action: string;
  /** Gives up after this many milliseconds. */
  readonly timeoutMs: number;
  /** Looks again after this many milliseconds; 50 unless given. */
  readonly intervalMs?: number;
  /** Gives up at once when aborted. */
  readonly signal?: AbortSignal;
}

/**
 * The first value of `probe` that is not `undefined`; for states that offer no event to wait on.
 *
 * @throws {PlatformError} timeout — when `probe` gave nothing in time; cancelled — when `signal` aborts
 */
export async function waitUntil<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: WaitUntilOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (options.signal?.aborted) {
      throw new PlatformError("cancelled", `Cannot ${options.action}: the wait was cancelled`);
    }
    if (performance.now() >= deadline) {
      throw new PlatformError("timeout", `Cannot ${options.action}: it did not happen within ${options.timeoutMs} ms`);
    }
    await waitFor(options.intervalMs ?? 50, options.signal);
  }
}
