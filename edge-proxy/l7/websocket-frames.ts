import { Buffer } from "node:buffer";

/** Status 1001, "going away" (RFC 6455 §7.4.1). */
const goingAway = [0x03, 0xe9];

/** A close frame with status 1001 as a server sends it (RFC 6455 §5.5.1). */
export const serverGoodbye: Uint8Array = Uint8Array.from([0x88, 2, ...goingAway]);
/** The same as a client sends it: masked, with a mask that changes nothing (RFC 6455 §5.3). */
export const clientGoodbye: Uint8Array = Uint8Array.from([0x88, 0x82, 0, 0, 0, 0, ...goingAway]);

/**
 * Follows WebSocket frames (RFC 6455 §5.2) through a stream of bytes, only to know where one of our own may go in between: in the middle of
 * a frame it would be taken for payload.
 */
export class FrameBorders {
  /** Bytes of the current frame's head, until it is complete. */
  #head: number[] = [];
  /** Bytes of the current frame's payload that are still to come. */
  #left = 0;

  /** Whether the stream is between two frames. */
  get isBetween(): boolean {
    return this.#left === 0 && this.#head.length === 0;
  }

  /** Follows `bytes`. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      const skipped = Math.min(this.#left, bytes.length - offset);
      this.#left -= skipped;
      offset += skipped;
      if (offset === bytes.length) return;
      this.#head.push(bytes[offset] ?? 0);
      offset += 1;
      const length = payloadLength(this.#head);
      if (length === undefined) continue;
      this.#left = length;
      this.#head = [];
    }
  }
}

/** Length of the payload that a frame's head announces; `undefined` while the head is not complete. */
function payloadLength(head: readonly number[]): number | undefined {
  const [, second] = head;
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskBytes = second & 0x80 ? 4 : 0;
  if (head.length < 2 + lengthBytes + maskBytes) return undefined;
  if (lengthBytes === 0) return short;
  return Number(BigInt(`0x${Buffer.from(head.slice(2, 2 + lengthBytes)).toString("hex")}`));
}
