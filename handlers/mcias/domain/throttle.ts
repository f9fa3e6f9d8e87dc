/** What is remembered of wrong logins for one account name or one network. Moments are milliseconds since 1970. */
export interface Throttle {
  readonly failures: number;
  readonly lastFailureAtMs: number;
  readonly blockedUntilMs: number;
}

/** Failures that cost nothing. */
export const freeFailures = 4;
/** Longest delay after a failure, in seconds: never a lock, as locks let strangers shut people out. */
export const maxDelaySeconds = 60;
/** Failures are forgotten once there was none for so long. */
export const forgetAfterMs = 15 * 60_000;

/** No failures. */
export const noThrottle: Throttle = { failures: 0, lastFailureAtMs: 0, blockedUntilMs: 0 };

/** The throttle after one more failure: from the fifth on, each one doubles the delay from 1 s up to 60 s. */
export function addFailure(throttle: Throttle, nowMs: number): Throttle {
  const isForgotten = nowMs - throttle.lastFailureAtMs > forgetAfterMs;
  const failures = (isForgotten ? 0 : throttle.failures) + 1;
  const delaySeconds = failures <= freeFailures ? 0 : Math.min(2 ** (failures - freeFailures - 1), maxDelaySeconds);
  return { failures, lastFailureAtMs: nowMs, blockedUntilMs: nowMs + delaySeconds * 1000 };
}

/** Whole seconds until the next try is looked at, 0 when it may be now: also when the clock has gone back, as no delay is longer. */
export function retryAfterSeconds(throttle: Throttle, nowMs: number): number {
  const seconds = Math.max(0, Math.ceil((throttle.blockedUntilMs - nowMs) / 1000));
  return seconds > maxDelaySeconds ? 0 : seconds;
}
