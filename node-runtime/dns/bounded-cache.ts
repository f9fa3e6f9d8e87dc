/** A cache that forgets what was used longest ago when its bytes exceed a bound. */
export interface BoundedCache<T> {
  /** Bytes of all entries. */
  readonly sizeBytes: number;
  /** Number of entries. */
  readonly count: number;
  /** The value of a key, which becomes the one used last. */
  get(key: string): T | undefined;
  /** Stores a value that takes `sizeBytes`; one above the bound is not stored. */
  set(key: string, value: T, sizeBytes: number): void;
  /** Removes an entry. */
  delete(key: string): void;
  /** Removes everything. */
  clear(): void;
}

/** Bytes of an entry besides its key and value: a Map slot and two objects. */
const overheadBytes = 150;

/** An empty cache of at most `maxBytes`; all its operations cost the same whatever its size. */
export function createBoundedCache<T>(maxBytes: number): BoundedCache<T> {
  const entries = new Map<string, { readonly value: T; readonly sizeBytes: number }>();
  let total = 0;
  const cache: BoundedCache<T> = {
    get sizeBytes() {
      return total;
    },
    get count() {
      return entries.size;
    },
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, sizeBytes) {
      cache.delete(key);
      const cost = sizeBytes + key.length + overheadBytes;
      if (cost > maxBytes) return;
      entries.set(key, { value, sizeBytes: cost });
      total += cost;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes) return;
        cache.delete(oldest);
      }
    },
    delete(key) {
      total -= entries.get(key)?.sizeBytes ?? 0;
      entries.delete(key);
    },
    clear() {
      entries.clear();
      total = 0;
    },
  };
  return cache;
}
