/** How the waiting of a held request ended. `changed`: judge it again by the routes of now; `full`: there was no room. */
export type HoldEnd = "changed" | "expired" | "full" | "cancelled";

/** Requests of paused routes that wait. */
export interface Holdings {
  /**
   * Waits until `release` lets the requests of `key` go, `seconds` have passed, or `signal` says that the client left. Never rejects.
   */
  hold(key: string, seconds: number, signal?: AbortSignal): Promise<HoldEnd>;
  /** Lets the requests go whose key `isFree`, first come first served; to be called when routes changed. */
  release(isFree: (key: string) => boolean): void;
  /** How many requests wait. */
  count(): number;
}

/** What {@link createHoldings} goes by. */
export interface HoldingsOptions {
  /** Requests that may wait at the same time; 10,000 unless given. */
  readonly maxHeld?: number;
}

/** Nobody waits yet. Keys are routes, `<hostname>:<port>`. */
export function createHoldings(options: HoldingsOptions = {}): Holdings {
  const { maxHeld = 10_000 } = options;
  const waiting = new Map<string, Set<(end: HoldEnd) => void>>();
  let count = 0;

  function hold(key: string, seconds: number, signal?: AbortSignal): Promise<HoldEnd> {
    if (signal?.aborted === true) return Promise.resolve("cancelled");
    if (count >= maxHeld) return Promise.resolve("full");
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    const timer = setTimeout(() => finish("expired"), seconds * 1000);
    const onAbort = () => finish("cancelled");

    function finish(end: HoldEnd): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      leave(key, finish);
      resolve(end);
    }

    signal?.addEventListener("abort", onAbort, { once: true });
    enter(key, finish);
    return promise;
  }

  function enter(key: string, finish: (end: HoldEnd) => void): void {
    const queue = waiting.get(key);
    if (queue === undefined) waiting.set(key, new Set([finish]));
    else queue.add(finish);
    count++;
  }

  function leave(key: string, finish: (end: HoldEnd) => void): void {
    const queue = waiting.get(key);
    if (queue?.delete(finish) !== true) return;
    count--;
    if (queue.size === 0) waiting.delete(key);
  }

  return {
    hold,
    release(isFree) {
      for (const [key, queue] of [...waiting]) {
        if (isFree(key)) { for (const finish of [...queue]) finish("changed"); }
      }
    },
    count: () => count,
  };
}
