import type { ProxyLimits } from "../limits.ts";

/** Time of waiting after which a body must have come at a rate (LIM4). */
const rateGraceMs = 10_000;

/** Watches how fast a client sends its request's body (LIM4); times in milliseconds of a monotonic clock. */
export class UploadPace {
  #since = Infinity;
  #waitedMs = 0;
  #bytes = 0;

  /** Whether the body is waited for. */
  get isWaiting(): boolean {
    return this.#since !== Infinity;
  }

  /** The body is waited for from `now` on. */
  start(now: number): void {
    if (!this.isWaiting) this.#since = now;
  }

  /** The body is not waited for: it is held back, or complete. */
  stop(now: number): void {
    if (this.isWaiting) this.#waitedMs += now - this.#since;
    this.#since = Infinity;
  }

  /** So many bytes of the body came. */
  read(bytes: number, now: number): void {
    this.#bytes += bytes;
    if (!this.isWaiting) return;
    this.#waitedMs += now - this.#since;
    this.#since = now;
  }

  /** How long nothing has come although it was waited for; 0 when it is not. */
  idleMs(now: number): number {
    return this.isWaiting ? now - this.#since : 0;
  }

  /** Whether the body comes so slowly that the connection is only being held (slowloris). */
  isTooSlow(now: number, limits: Pick<ProxyLimits, "requestBodyBytesPerSecond">): boolean {
    const waitedMs = this.#waitedMs + this.idleMs(now);
    return waitedMs > rateGraceMs && this.#bytes / waitedMs * 1000 < limits.requestBodyBytesPerSecond;
  }
}
