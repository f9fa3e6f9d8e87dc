/** How many events may come at once, and how many more each second. */
export interface BudgetLimits {
  readonly burst: number;
  readonly perSecond: number;
}

/** A token bucket. */
export interface Budget {
  /** Takes `count`; `false` when so much is not left. */
  take(count: number, nowMs: number): boolean;
}

/** A budget that is full. */
export function createBudget({ burst, perSecond }: BudgetLimits): Budget {
  let left = burst;
  let filledAt: number | undefined;
  return {
    take(count, nowMs) {
      left = Math.min(burst, left + Math.max(0, nowMs - (filledAt ?? nowMs)) * perSecond / 1000);
      filledAt = nowMs;
      if (left < count) return false;
      left -= count;
      return true;
    },
  };
}
