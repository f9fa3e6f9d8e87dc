import { UploadPace } from "../l7/upload-pace.ts";
import type { ProxyLimits } from "../limits.ts";

/** What can be written, as far as its pace matters. */
export interface PacedWriter {
  /** Bytes that were written but not yet taken. */
  readonly writableLength: number;
}

/** Watches that both directions of a stream move (LIM4, T5); times in milliseconds of a monotonic clock. */
export class StreamPace {
  readonly #writer: PacedWriter;
  readonly #upload = new UploadPace();
  #bytesWritten = 0;
  #taken = 0;
  #takenAt = Infinity;

  constructor(writer: PacedWriter) {
    this.#writer = writer;
  }

  /** The body is waited for from `now` on. */
  startReading(now: number): void {
    this.#upload.start(now);
  }

  /** The body is not waited for: it is held back, or complete. */
  stopReading(now: number): void {
    this.#upload.stop(now);
  }

  /** So many bytes of the body came. */
  read(bytes: number, now: number): void {
    this.#upload.read(bytes, now);
  }

  /** So many bytes were given to the writer. */
  wrote(bytes: number): void {
    this.#bytesWritten += bytes;
  }

  /** Whether the client lets its request's body wait, or sends it so slowly that the stream is only being held. */
  isUploadSlow(now: number, limits: Pick<ProxyLimits, "requestBodyIdleMs" | "requestBodyBytesPerSecond">): boolean {
    if (!this.#upload.isWaiting) return false;
    return this.#upload.idleMs(now) > limits.requestBodyIdleMs || this.#upload.isTooSlow(now, limits);
  }

  /** How long the client has taken nothing of what waits for it; `undefined` when nothing waits. To be asked at short intervals. */
  stalledMs(now: number): number | undefined {
    const waiting = this.#writer.writableLength;
    const taken = this.#bytesWritten - waiting;
    if (waiting === 0) {
      this.#takenAt = Infinity;
      return undefined;
    }
    if (taken !== this.#taken || this.#takenAt === Infinity) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return now - this.#takenAt;
  }
}
