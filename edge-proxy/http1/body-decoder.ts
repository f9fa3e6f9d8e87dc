import { Buffer } from "node:buffer";
import { findValueEnd } from "./field-line.ts";
import { FramingError } from "./framing-error.ts";
import { parseTrailers } from "./trailers.ts";

/** Bounds of a chunked body besides its payload, in bytes. */
export interface ChunkedLimits {
  /** Chunk extensions of the whole body (CVE-2024-22019). */
  readonly extensionBytes?: number;
  /** Trailer section. */
  readonly trailerBytes?: number;
}

/** Takes a chunked body apart. */
export interface ChunkedDecoder {
  /** Whether the body is complete. */
  readonly isDone: boolean;
  /** Trailer fields that may be forwarded, names and values in turn; complete with the body (RFC 9110 §6.5.1). */
  readonly trailers: readonly string[];
  /**
   * Gives `onData` the payload within `bytes` from `offset` on. The offset of the first byte behind the body, or the length of `bytes`.
   *
   * @throws {FramingError} when the chunks or trailers are malformed; the decoder is of no use afterwards
   */
  push(bytes: Buffer, offset: number, onData: (payload: Buffer) => void): number;
}

type State = "size" | "extension" | "sizeEnd" | "payload" | "payloadEnd" | "payloadLineFeed" | "trailers" | "done";

const carriageReturn = 13, lineFeed = 10, semicolon = 59;
const maxSizeDigits = 16;

/** Values of hexadecimal digits, -1 for other bytes. */
const hexValue = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  hexValue[digit.charCodeAt(0)] = value;
  hexValue[digit.toUpperCase().charCodeAt(0)] = value;
}

/** A decoder at the start of a chunked body (RFC 9112 §7.1). */
export function createChunkedDecoder(limits: ChunkedLimits = {}): ChunkedDecoder {
  return new Decoder(limits);
}

class Decoder implements ChunkedDecoder {
  trailers: readonly string[] = [];
  #state: State = "size";
  /** Of the chunk; of what is left of it in the state `payload`. */
  #size = 0;
  #digits = 0;
  #extensionBudget: number;
  readonly #trailerBytes: number;
  #section: Buffer | undefined;
  #sectionLength = 0;

  constructor({ extensionBytes = 4096, trailerBytes = 16_384 }: ChunkedLimits) {
    this.#extensionBudget = extensionBytes;
    this.#trailerBytes = trailerBytes;
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  push(bytes: Buffer, offset: number, onData: (payload: Buffer) => void): number {
    let at = offset;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "payload") at = this.#takePayload(bytes, at, onData);
      else if (this.#state === "extension") at = this.#skipExtension(bytes, at);
      else if (this.#state === "trailers") at = this.#takeTrailers(bytes, at);
      else {
        this.#takeByte(bytes[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  #takePayload(bytes: Buffer, at: number, onData: (payload: Buffer) => void): number {
    const end = Math.min(bytes.length, at + this.#size);
    this.#size -= end - at;
    if (this.#size === 0) this.#state = "payloadEnd";
    onData(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }

  #takeByte(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#takeSizeByte(byte);
      case "sizeEnd":
        if (byte !== lineFeed) throw new FramingError("a chunk size ends without CRLF");
        this.#state = this.#size === 0 ? "trailers" : "payload";
        return;
      case "payloadEnd":
        if (byte !== carriageReturn) throw new FramingError("a chunk is longer than its size");
        this.#state = "payloadLineFeed";
        return;
      default:
        if (byte !== lineFeed) throw new FramingError("a chunk ends without CRLF");
        this.#state = "size";
        this.#digits = 0;
    }
  }

  #takeSizeByte(byte: number): void {
    const value = hexValue[byte] ?? -1;
    if (value !== -1) {
      this.#size = this.#size * 16 + value;
      this.#digits += 1;
      if (this.#digits > maxSizeDigits || this.#size > Number.MAX_SAFE_INTEGER) {
        throw new FramingError("a chunk size is too large");
      }
      return;
    }
    if (this.#digits === 0) throw new FramingError("a chunk has no size");
    if (byte === carriageReturn) this.#state = "sizeEnd";
    else if (byte === semicolon) this.#state = "extension";
    else throw new FramingError("a chunk size is malformed");
  }

  /** Extensions end at each hop (RFC 9112 §7.1.1). */
  #skipExtension(bytes: Buffer, at: number): number {
    const end = findValueEnd(bytes, at);
    this.#extensionBudget -= end - at;
    if (this.#extensionBudget < 0) throw new FramingError("the chunk extensions are too long");
    if (end === bytes.length) return end;
    if (bytes[end] !== carriageReturn) throw new FramingError("a chunk extension is malformed");
    this.#state = "sizeEnd";
    return end + 1;
  }

  #takeTrailers(bytes: Buffer, at: number): number {
    let next = at;
    while (next < bytes.length) {
      this.#keepTrailerByte(bytes[next] ?? 0);
      next += 1;
      if (this.#isSectionComplete()) {
        this.#state = "done";
        if (this.#section !== undefined && this.#sectionLength > 2) {
          this.trailers = parseTrailers(this.#section, this.#sectionLength);
        }
        return next;
      }
    }
    return next;
  }

  #keepTrailerByte(byte: number): void {
    this.#section ??= Buffer.allocUnsafe(64);
    if (this.#sectionLength === this.#section.length) {
      const larger = Buffer.allocUnsafe(this.#section.length * 2);
      this.#section.copy(larger);
      this.#section = larger;
    }
    this.#section[this.#sectionLength] = byte;
    this.#sectionLength += 1;
    if (this.#sectionLength > this.#trailerBytes) throw new FramingError("the trailers are too long");
  }

  /** Whether the kept bytes end in an empty line. */
  #isSectionComplete(): boolean {
    const section = this.#section;
    const length = this.#sectionLength;
    if (section === undefined || section[length - 1] !== lineFeed) return false;
    if (length < 2 || section[length - 2] !== carriageReturn) throw new FramingError("a trailer ends without CRLF");
    return length === 2 || section[length - 3] === lineFeed;
  }
}
