/**
 * Counters in one buffer of fixed size: sets of eight entries, a key's set and tag from a keyed hash. Nothing is locked: an entry is
 * claimed by one compare-and-swap of its tag, so a worker that dies at any moment leaves nothing locked. Workers that meet in the same
 * microsecond may refuse one event too many.
 *
 * When a set is full, the entry that was used longest ago and has no open connection makes room.
 */
import { randomBytes } from "node:crypto";
import { EntryTable, fixedWords, headWords, waysPerSet, words } from "./entry-table.ts";
import type { CounterKey, OpenLimit, OpenResult, WindowCounters, WindowLimit } from "./window-counters.ts";

/** Size of a table. */
export interface CounterTableSize {
  /** Clients remembered at the same time, rounded up to a power of two; each takes 20 bytes and 4 for each worker. */
  readonly entries: number;
  /** Threads that share the table. */
  readonly workers: number;
}

/** A buffer for {@link attachCounterTable}, to be handed to every worker. */
export function createCounterBuffer(size: CounterTableSize): SharedArrayBuffer {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(size.entries, waysPerSet) / waysPerSet));
  const length = headWords + size.workers + sets * waysPerSet * (fixedWords + size.workers);
  const buffer = new SharedArrayBuffer(length * 4);
  const seed = randomBytes(8);
  new Int32Array(buffer).set([sets, size.workers, seed.readInt32LE(0), seed.readInt32LE(4)]);
  return buffer;
}

/** Counters of one thread alone. */
export function createCounterTable(entries: number): WindowCounters {
  return attachCounterTable(createCounterBuffer({ entries, workers: 1 }), 0);
}

/** The counters in `buffer` as worker number `worker`, from 0, uses them. A number belongs to one thread at a time. */
export function attachCounterTable(buffer: SharedArrayBuffer, worker: number): WindowCounters {
  const table = new EntryTable(buffer);
  if (!Number.isInteger(worker) || worker < 0 || worker >= table.workers) {
    throw new RangeError(`Cannot attach worker ${worker}: the table is for ${table.workers}`);
  }
  const total = headWords + worker;

  return {
    take(key, limit, nowMs) {
      const entry = table.find(key, nowMs);
      return entry === -1 ? 0 : takeAt(table.words, entry, { limit, nowMs });
    },
    open(key, limit, nowMs) {
      Atomics.add(table.words, total, 1);
      const opened = table.sumOpen(headWords) > limit.total
        ? full("total")
        : openAt(table, { key, limit, nowMs, worker, total });
      if (opened.kind === "full") Atomics.sub(table.words, total, 1);
      return opened;
    },
    openTotal: () => table.sumOpen(headWords),
    forgetWorker(dead) {
      Atomics.store(table.words, headWords + dead, 0);
      table.forgetWorker(dead);
    },
  };
}

interface Opening {
  readonly key: CounterKey;
  readonly limit: OpenLimit;
  readonly nowMs: number;
  readonly worker: number;
  readonly total: number;
}

function openAt(table: EntryTable, { key, limit, nowMs, worker, total }: Opening): OpenResult {
  const entry = table.find(key, nowMs);
  // A set full of open connections comes by chance only, since its hash is keyed: then the bound of all connections must do.
  if (entry === -1) return { kind: "open", close: createClose(table.words, [total]) };
  const own = entry + fixedWords + worker;
  Atomics.add(table.words, own, 1);
  if (table.sumOpen(entry + fixedWords) <= limit.perAddress) {
    return { kind: "open", close: createClose(table.words, [total, own]) };
  }
  Atomics.sub(table.words, own, 1);
  return full("address");
}

function full(reason: "address" | "total"): OpenResult {
  return { kind: "full", reason };
}

function createClose(table: Int32Array, counted: readonly number[]): () => void {
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    for (const word of counted) Atomics.sub(table, word, 1);
  };
}

/**
 * Takes one event of a window that slides: the events of the last whole window count by the part of it that is still in view. Adds by
 * compare-and-swap, so that two workers cannot both take the last one.
 */
function takeAt(table: Int32Array, entry: number, event: { limit: WindowLimit; nowMs: number }): number {
  const { limit, nowMs } = event;
  const window = Math.floor(nowMs / limit.windowMs) | 0;
  for (;;) {
    turnWindow(table, entry, window);
    const current = Atomics.load(table, entry + words.current);
    const previous = Atomics.load(table, entry + words.previous);
    const elapsed = (nowMs % limit.windowMs) / limit.windowMs;
    if (current + previous * (1 - elapsed) >= limit.count) return waitFor({ current, previous, elapsed }, limit);
    if (Atomics.compareExchange(table, entry + words.current, current, current + 1) === current) return 0;
  }
}

function turnWindow(table: Int32Array, entry: number, window: number): void {
  const old = Atomics.load(table, entry + words.window);
  if (old === window || Atomics.compareExchange(table, entry + words.window, old, window) !== old) return;
  const counted = Atomics.exchange(table, entry + words.current, 0);
  Atomics.store(table, entry + words.previous, ((old + 1) | 0) === window ? counted : 0);
}

/** Until so much of the fuller window has slid out of view that one more event fits. */
function waitFor(seen: { current: number; previous: number; elapsed: number }, limit: WindowLimit): number {
  const { current, previous, elapsed } = seen;
  const part = current < limit.count
    ? 1 - (limit.count - current) / previous - elapsed
    : 2 - limit.count / current - elapsed;
  return Math.max(1, Math.ceil(part * limit.windowMs));
}
