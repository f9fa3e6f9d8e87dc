import type { Buffer } from "node:buffer";
import type { Fields } from "../l7/streams.ts";
import { type ChunkedDecoder, createChunkedDecoder } from "./body-decoder.ts";

/** How a message's end is told (RFC 9112 §6.3). */
export type BodyFraming = "none" | "length" | "chunked" | "close";

/** Cuts a message's body out of the bytes of its connection. */
export class BodyReader {
  #left: number;
  readonly #chunked: ChunkedDecoder | undefined;

  /** A reader for `length` bytes, for chunks, or for everything until the connection ends. */
  constructor(framing: BodyFraming, length = 0) {
    this.#left = framing === "length" ? length : framing === "close" ? Infinity : 0;
    this.#chunked = framing === "chunked" ? createChunkedDecoder() : undefined;
  }

  /** Whether the whole body was read; never with framing `close`. */
  get isDone(): boolean {
    return this.#chunked === undefined ? this.#left === 0 : this.#chunked.isDone;
  }

  /** Bytes that are still to come; `Infinity` when only the end will tell. */
  get left(): number {
    return this.#chunked === undefined ? this.#left : Infinity;
  }

  /** Trailer fields that may be forwarded. */
  get trailers(): Fields {
    return this.#chunked?.trailers ?? [];
  }

  /**
   * Gives `onData` what of `bytes` from `offset` on is body. The offset of the first byte behind it.
   *
   * @throws {FramingError} when the chunks are malformed (RFC 9112 §7.1)
   */
  push(bytes: Buffer, offset: number, onData: (payload: Buffer) => void): number {
    if (this.#chunked !== undefined) return this.#chunked.push(bytes, offset, onData);
    const end = Math.min(bytes.length, offset + this.#left);
    this.#left -= end - offset;
    if (end > offset) onData(offset === 0 && end === bytes.length ? bytes : bytes.subarray(offset, end));
    return end;
  }
}
