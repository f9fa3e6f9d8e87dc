/** A set that remembers how often each value was added, and has it until all of that was taken back. */
export interface CountedSet<T> {
  /** The values now; changes with the set. */
  readonly values: ReadonlySet<T>;
  /** Grows whenever a value comes or goes. */
  readonly version: number;
  /** Adds a value once more. */
  add(value: T): void;
  /** Takes one addition back. */
  remove(value: T): void;
}

/** A set without values. */
export function createCountedSet<T>(): CountedSet<T> {
  const counts = new Map<T, number>();
  const values = new Set<T>();
  let version = 0;
  return {
    values,
    get version() {
      return version;
    },
    add(value) {
      const count = counts.get(value) ?? 0;
      counts.set(value, count + 1);
      if (count > 0) return;
      values.add(value);
      version += 1;
    },
    remove(value) {
      const count = counts.get(value) ?? 0;
      if (count > 1) return void counts.set(value, count - 1);
      if (!counts.delete(value)) return;
      values.delete(value);
      version += 1;
    },
  };
}
