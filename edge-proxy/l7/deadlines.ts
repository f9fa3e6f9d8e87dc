/** Something that has a time limit now and then. */
export interface Timed {
  /** Moment of {@link Deadlines.now} at which {@link onDeadline} is called; `Infinity` for none. */
  deadlineAt: number;
  /** Called once per deadline, up to a tick late. */
  onDeadline(): void;
}

/**
 * Time limits of many things in one sweep. A request changes its limit several times and hardly ever reaches one: setting a number costs
 * nothing, where a timer each time would be a tenth of the request's cost.
 */
export interface Deadlines {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Watches `timed` until it is deleted. */
  add(timed: Timed): void;
  /** Stops watching. */
  delete(timed: Timed): void;
}

/** How late a deadline may be, in milliseconds. */
const tickMs = 100;

/** Deadlines that sweep only while there is something to watch. */
export function createDeadlines(): Deadlines {
  const watched = new Set<Timed>();
  let timer: NodeJS.Timeout | undefined;

  function sweep(): void {
    const now = performance.now();
    for (const timed of watched) {
      if (timed.deadlineAt > now) continue;
      timed.deadlineAt = Infinity;
      timed.onDeadline();
    }
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    now: () => performance.now(),
    add(timed) {
      watched.add(timed);
      timer ??= setInterval(sweep, tickMs).unref();
    },
    delete: (timed) => void watched.delete(timed),
  };
}
