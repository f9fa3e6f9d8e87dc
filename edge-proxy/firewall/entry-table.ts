import { hextetsOf, parseAddress } from "./address.ts";
import { halfSipHash, type WordPair } from "./half-sip-hash.ts";
import type { CounterKey } from "./window-counters.ts";

/** Words of an entry; the numbers of open connections follow, one for each worker. */
export const words = { tag: 0, window: 1, current: 2, previous: 3, used: 4 } as const;
/** Words of an entry before the open connections. */
export const fixedWords = 5;
/** Entries of a set. */
export const waysPerSet = 8;
/** Words before the open connections of all: number of sets, number of workers, key of the hash. */
export const headWords = 4;

/** Second that `used` counts from, so that it fits in 31 bits until 2088. */
const firstSecond = 1_577_836_800;
/** Another worker changed the entry: look again. */
const retry = -2;

/** Finds and claims the entries of a table that several threads share; see {@link file://./counter-table.ts}. */
export class EntryTable {
  readonly words: Int32Array;
  readonly workers: number;
  readonly #sets: number;
  readonly #seed: WordPair;
  readonly #entryWords: number;
  readonly #firstEntry: number;

  /** Uses `buffer` as `createCounterBuffer` made it. */
  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    const [sets = 1, workers = 1, seed0 = 0, seed1 = 0] = this.words;
    this.workers = workers;
    this.#sets = sets;
    this.#seed = [seed0, seed1];
    this.#entryWords = fixedWords + workers;
    this.#firstEntry = headWords + workers;
  }

  /** Index of the key's entry, claimed if it had none; -1 when its set is full of entries with open connections. */
  find(key: CounterKey, nowMs: number): number {
    const [set, tag] = placeOf(key, this.#seed, this.#sets);
    const start = this.#firstEntry + set * waysPerSet * this.#entryWords;
    for (;;) {
      const entry = this.#findIn(start, tag);
      if (entry === retry) continue;
      if (entry >= 0) Atomics.store(this.words, entry + words.used, Math.floor(nowMs / 1000) - firstSecond);
      return entry;
    }
  }

  /** The sum of one word for each worker from `start` on. */
  sumOpen(start: number): number {
    let sum = 0;
    for (let index = 0; index < this.workers; index++) sum += Atomics.load(this.words, start + index);
    return sum;
  }

  /** Sets the open connections of `worker` to 0 in every entry. */
  forgetWorker(worker: number): void {
    for (let entry = this.#firstEntry; entry < this.words.length; entry += this.#entryWords) {
      Atomics.store(this.words, entry + fixedWords + worker, 0);
    }
  }

  #findIn(start: number, tag: number): number {
    let victim = -1;
    let oldest = Infinity;
    for (let entry = start; entry < start + waysPerSet * this.#entryWords; entry += this.#entryWords) {
      const found = Atomics.load(this.words, entry + words.tag);
      if (found === tag) return entry;
      const used = found === 0 ? -Infinity : Atomics.load(this.words, entry + words.used);
      if (used < oldest && this.sumOpen(entry + fixedWords) === 0) {
        oldest = used;
        victim = entry;
      }
    }
    return victim === -1 ? -1 : this.#claim(victim, tag);
  }

  #claim(victim: number, tag: number): number {
    const old = Atomics.load(this.words, victim + words.tag);
    if (old === tag) return victim;
    if (Atomics.compareExchange(this.words, victim + words.tag, old, tag) !== old) return retry;
    for (const word of [words.window, words.current, words.previous]) Atomics.store(this.words, victim + word, 0);
    return victim;
  }
}

function placeOf(key: CounterKey, seed: WordPair, sets: number): readonly [set: number, tag: number] {
  const [high, low] = halfSipHash(seed, [key.scope, ...clientWords(key.address)]);
  return [(high >>> 0) % sets, low === 0 ? 1 : low];
}

/** An IPv4 address, or the /64 that an IPv6 client has to itself. */
function clientWords(text: string): readonly number[] {
  const address = parseAddress(text);
  if (address === undefined) return [];
  if (address.version === 4) return [address.value | 0];
  const [a = 0, b = 0, c = 0, d = 0] = hextetsOf(address);
  return [(a << 16) | b, (c << 16) | d];
}
