/** Thrown by {@link ByteReader} when fewer bytes are left than asked for. */
export class ShortInput extends Error {
  /** The error's name in logs. */
  override readonly name = "ShortInput";
}

/** Reads big-endian integers and length-prefixed vectors (RFC 8446 §3), checking the length before each read. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** Starts at the first of `bytes`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next `length` bytes, not copied. */
  take(length: number): Uint8Array {
    if (length > this.remaining) throw new ShortInput(`${length} bytes wanted, ${this.remaining} left`);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** All bytes that are left, not copied. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** The next byte. */
  uint8(): number {
    return this.#integer(1);
  }

  /** The next two bytes as a number. */
  uint16(): number {
    return this.#integer(2);
  }

  /** The next three bytes as a number. */
  uint24(): number {
    return this.#integer(3);
  }

  /** A reader of the next vector with a one-byte length. */
  vector8(): ByteReader {
    return new ByteReader(this.take(this.uint8()));
  }

  /** A reader of the next vector with a two-byte length. */
  vector16(): ByteReader {
    return new ByteReader(this.take(this.uint16()));
  }

  #integer(length: number): number {
    return this.take(length).reduce((value, byte) => value * 256 + byte, 0);
  }
}
