/** Whose events are counted: an address, perhaps at one route. */
export interface CounterKey {
  /** IP address; counted by IPv4 address or IPv6 /64. */
  readonly address: string;
  /** Tells routes apart; 0 for the connections themselves. */
  readonly scope: number;
}

/** How many events within a sliding window. */
export interface WindowLimit {
  readonly count: number;
  readonly windowMs: number;
}

/** How many connections may be open at once. */
export interface OpenLimit {
  readonly perAddress: number;
  readonly total: number;
}

/** Which limit of {@link OpenLimit} was met, or how to give the connection back. */
export type OpenResult =
  | { readonly kind: "open"; readonly close: () => void }
  | { readonly kind: "full"; readonly reason: "address" | "total" };

/** Counts by client address in bounded memory; one view for all threads that share its buffer. */
export interface WindowCounters {
  /** Takes one event of `limit`: 0 when it was free, else milliseconds until one may be. What is refused is not counted. */
  take(key: CounterKey, limit: WindowLimit, nowMs: number): number;
  /** Counts an open connection until it is closed; closing twice counts once. */
  open(key: CounterKey, limit: OpenLimit, nowMs: number): OpenResult;
  /** Connections open now, of all workers. */
  openTotal(): number;
  /** Sets what `worker` had open to nothing, after it died. */
  forgetWorker(worker: number): void;
}
