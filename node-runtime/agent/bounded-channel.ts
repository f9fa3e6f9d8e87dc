/** Hands items from many producers to one reader, in order of arrival. */
export interface BoundedChannel<T> extends AsyncIterable<T> {
  /** Resolves once there is room for more: a slow reader slows its producers down. */
  push(item: T): Promise<void>;
  /** Ends the iteration after what was pushed; later items are dropped. */
  end(): void;
}

/** A channel that holds `limit` items before producers wait. */
export function createBoundedChannel<T>(limit: number): BoundedChannel<T> {
  const items: T[] = [];
  let isEnded = false;
  let readable = Promise.withResolvers<void>();
  let writable = Promise.withResolvers<void>();

  async function* read(): AsyncGenerator<T> {
    try {
      for (;;) {
        yield* items.splice(0);
        writable.resolve();
        writable = Promise.withResolvers();
        if (items.length > 0) continue;
        if (isEnded) return;
        await readable.promise;
        readable = Promise.withResolvers();
      }
    } finally {
      end();
    }
  }
  function end(): void {
    isEnded = true;
    readable.resolve();
    writable.resolve();
  }
  return {
    async push(item) {
      while (items.length >= limit && !isEnded) await writable.promise;
      if (isEnded) return;
      items.push(item);
      readable.resolve();
    },
    end,
    [Symbol.asyncIterator]: read,
  };
}
