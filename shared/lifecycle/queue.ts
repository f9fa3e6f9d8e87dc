/** Runs tasks one after the other, in the order they were given. */
export interface SerialQueue {
  /** The task's own result, once all tasks before it have ended. */
  run<T>(task: () => Promise<T> | T): Promise<T>;
}

/** A queue of depth one worker: the mutual exclusion of async code. A failed task does not stop the next. */
export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<T>(task: () => Promise<T> | T): Promise<T> {
      const result = last.then(task, task);
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** A signal that many can wait on: each `notify` wakes all who wait at that moment. */
export interface Notifier {
  /** Wakes all who wait. */
  notify(): void;
  /** Resolves at the next `notify`, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** A notifier with nobody waiting. */
export function createNotifier(): Notifier {
  let waiters = new Set<() => void>();
  return {
    notify() {
      const woken = waiters;
      waiters = new Set();
      for (const wake of woken) wake();
    },
    wait(signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          signal.removeEventListener("abort", wake);
          waiters.delete(wake);
          resolve();
        };
        waiters.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    },
  };
}
