import type { Log } from "../log/log.ts";
import { type BackoffOptions, createBackoff, defaultMaxMs } from "./backoff.ts";
import { waitFor } from "./wait.ts";

/** What {@link runLoop} needs. */
export interface RunLoopOptions extends BackoffOptions {
  /** Name of the loop in logs. */
  readonly name: string;
  /** Receives one warning for each failed pass. */
  readonly log: Log;
  /** Ends the loop. */
  readonly signal: AbortSignal;
}

/**
 * Runs `pass` again and again until `signal` aborts. A pass waits for its own work (a long poll, an event); a pass that
 * throws is logged and tried again after a backoff, which starts anew once a pass has lasted longer than the longest wait.
 * Resolves, never rejects, when the loop has ended.
 */
export async function runLoop(pass: (signal: AbortSignal) => Promise<void>, options: RunLoopOptions): Promise<void> {
  const backoff = createBackoff(options);
  while (!options.signal.aborted) {
    const startedMs = performance.now();
    try {
      await pass(options.signal);
      backoff.reset();
    } catch (error) {
      if (options.signal.aborted) return;
      if (performance.now() - startedMs > (options.maxMs ?? defaultMaxMs)) backoff.reset();
      const retryInMs = backoff.next();
      options.log.warn(`${options.name} failed, trying again`, { error, retryInMs });
      await waitFor(retryInMs, options.signal);
    }
  }
}
