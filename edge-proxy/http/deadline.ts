/** A time limit whose step changes as an exchange goes on. */
export interface Deadline {
  /** Ends the previous step; `onExpire` is called unless the deadline is touched or set again within `limitMs`. */
  set(limitMs: number, onExpire: () => void): void;
  /** Starts the step's time again. */
  touch(): void;
  /** Ends the step. */
  clear(): void;
}

/** A deadline without a step. */
export function createDeadline(): Deadline {
  let timer: NodeJS.Timeout | undefined;
  return {
    set(limitMs, onExpire) {
      clearTimeout(timer);
      timer = setTimeout(onExpire, limitMs);
    },
    touch() {
      timer?.refresh();
    },
    clear() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
