import type { Log } from "../log/log.ts";
import { createBackoff, type BackoffOptions } from "./backoff.ts";
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
 * throws is logged and tried again after a backoff. Resolves, never rejects, when the loop has ended.
 */
export async function runLoop(pass: (signal: AbortSignal) => Promise<void>, options: RunLoopOptions): Promise<void> {
  const backoff = createBackoff(options);
  while (!options.signal.aborted) {
    try {
      await pass(options.signal);
      backoff.reset();
    } catch (error) {
      if (options.signal.aborted) return;
      const retryInMs = backoff.next();
      options.log.warn(`${options.name} failed, trying again`, { error, retryInMs });
      await waitFor(retryInMs, options.signal);
    }
  }
}
