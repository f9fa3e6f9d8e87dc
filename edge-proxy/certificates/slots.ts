/** Lets a number of tasks run at once; the others wait for their turn. */
export interface Slots {
  /** The task's own result. Its turn comes in the order of the calls. */
  run<T>(task: () => Promise<T>): Promise<T>;
}

/** Slots for `count` tasks at once. */
export function createSlots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    async run(task) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
