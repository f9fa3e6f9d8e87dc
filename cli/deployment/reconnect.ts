import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** What {@link reconnecting} needs. */
export interface ReconnectOptions<T> {
  /** Opens the stream again where the last one ended. */
  readonly open: () => AsyncIterable<T>;
  /** Says whether the value was the last one. */
  readonly isLast: (value: T) => boolean;
  readonly signal: AbortSignal;
  /** Called once each time that the connection is lost. */
  readonly onLost?: () => void;
}

/**
 * The values of a stream that may break: it is opened again, with a backoff, until its last value came. Errors that no retry can
 * cure are thrown.
 *
 * @throws {PlatformError} cancelled — when `signal` aborts
 */
export async function* reconnecting<T>(options: ReconnectOptions<T>): AsyncGenerator<T> {
  const { signal } = options;
  const backoff = createBackoff({ minMs: 100, maxMs: 3_000 });
  for (;;) {
    try {
      for await (const value of options.open()) {
        backoff.reset();
        yield value;
        if (options.isLast(value)) return;
      }
    } catch (error) {
      if (!signal.aborted && !isCurable(error)) throw error;
    }
    if (!signal.aborted) {
      options.onLost?.();
      await waitFor(backoff.next(), signal);
    }
    if (signal.aborted) throw new PlatformError("cancelled", "Cannot follow any longer: it was interrupted");
  }
}

/** A broken connection gives a plain `Error`; the programmer's mistakes are `RangeError`s and the like. */
function isCurable(error: unknown): boolean {
  if (error instanceof PlatformError) return error.entry.retryable || error.code === "sealed";
  return error instanceof Error && !(error instanceof RangeError) && !(error instanceof ReferenceError);
}
