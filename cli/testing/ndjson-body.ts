/** What {@link toNdjson} streams. */
export interface NdjsonOptions {
  readonly values: readonly unknown[];
  /** Breaks the connection after this many values, instead of ending it. */
  readonly breaksAfter?: number | undefined;
  /** Stays open after the values until `signal` aborts. */
  readonly staysOpen?: boolean;
  readonly signal: AbortSignal;
  /** Called when all values were handed over. */
  readonly onSent?: (() => void) | undefined;
}

/** A body with one JSON value a line, which can break or stay open like a real stream. */
export function toNdjson(
  { values, breaksAfter, staysOpen = false, signal, onSent }: NdjsonOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const waiting = values.slice(0, breaksAfter);
  return new ReadableStream({
    async pull(controller) {
      const [value] = waiting.splice(0, 1);
      if (value !== undefined) return controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      onSent?.();
      if (breaksAfter !== undefined) return controller.error(new TypeError("terminated"));
      if (staysOpen) await aborted(signal);
      if (signal.aborted) controller.error(new DOMException("aborted", "AbortError"));
      else controller.close();
    },
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
