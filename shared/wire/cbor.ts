// Not "cbor-x" itself: that one loads a native addon made for one V8, which ends a Deno process at the first long string.
import { Decoder, Encoder } from "cbor-x/encode";
import { PlatformError } from "../errors/platform-error.ts";

// Plain RFC 8949 maps, arrays, strings, numbers and byte strings: readable by any CBOR library.
const options = { useRecords: false, mapsAsObjects: true, tagUint8Array: false, variableMapSize: true } as const;
const encoder = new Encoder(options);
const decoder = new Decoder(options);

/** The value as one CBOR item (RFC 8949). Object keys keep their order, so equal objects give equal bytes. */
export function encodeCbor(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encoder.encode(value));
}

/**
 * The one CBOR item in `bytes`; nothing may follow it. A key `__proto__` becomes `__proto_`, so that it reaches no prototype.
 *
 * @throws {PlatformError} invalid-request — when the bytes are not exactly one item
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new PlatformError("invalid-request", `Cannot decode ${bytes.length} bytes: they are not one CBOR item`, {
      cause,
    });
  }
}

/** Largest frame accepted from a sequence, in bytes. */
const maxFrameBytes = 256 * 1024 * 1024;

/**
 * A frame of a CBOR sequence (RFC 8742): one CBOR byte string (RFC 8949 §3.1, major type 2, 32-bit length) around the encoded
 * item. The fixed five-byte head lets a reader find frame borders without decoding.
 */
export function encodeFrame(value: unknown): Uint8Array<ArrayBuffer> {
  const item = encodeCbor(value);
  const frame = new Uint8Array(5 + item.length);
  frame[0] = 0x5a;
  new DataView(frame.buffer).setUint32(1, item.length);
  frame.set(item, 5);
  return frame;
}

/**
 * The items of a CBOR sequence made of {@link encodeFrame} frames, as they arrive. Chunk borders mean nothing.
 *
 * @throws {PlatformError} invalid-request — at bytes that are no frame, a frame above 256 MiB, or an unfinished frame at the end
 */
export async function* decodeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  let pending = new Uint8Array(0);
  for await (const chunk of chunks) {
    pending = concat(pending, chunk);
    for (let size = frameSize(pending); size !== undefined && size <= pending.length; size = frameSize(pending)) {
      yield decodeCbor(pending.subarray(5, size));
      pending = pending.subarray(size);
    }
  }
  if (pending.length > 0) {
    throw new PlatformError(
      "invalid-request",
      `Cannot read the sequence: it ends ${pending.length} bytes into a frame`,
    );
  }
}

function frameSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < 5) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (bytes[0] !== 0x5a || length > maxFrameBytes) {
    throw new PlatformError("invalid-request", "Cannot read the sequence: expected a byte string of at most 256 MiB");
  }
  return 5 + length;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
