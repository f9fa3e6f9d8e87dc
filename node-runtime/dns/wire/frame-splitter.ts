import { readUint16, writeUint16 } from "./bytes.ts";
import { concatBytes } from "./record.ts";

/** Cuts a TCP stream into DNS messages, wherever its chunks end (RFC 1035 §4.2.2, RFC 7766 §8). */
export interface FrameSplitter {
  /** The messages that are complete with this chunk. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Bytes of a message that has not fully arrived. */
  readonly pendingBytes: number;
}

/** A splitter at the start of a stream. It holds at most one unfinished message, so at most 64 KiB and a chunk. */
export function createFrameSplitter(): FrameSplitter {
  let chunks: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      chunks.push(chunk);
      size += chunk.length;
      if (size < 2 || (chunks.length > 1 && size < neededBytes(chunks))) return [];
      const bytes = chunks.length === 1 ? chunk : concatBytes(chunks);
      const messages: Uint8Array[] = [];
      let offset = 0;
      while (bytes.length - offset >= 2) {
        const end = offset + 2 + readUint16(bytes, offset);
        if (end > bytes.length) break;
        messages.push(bytes.subarray(offset + 2, end));
        offset = end;
      }
      chunks = offset < bytes.length ? [bytes.subarray(offset)] : [];
      size = bytes.length - offset;
      return messages;
    },
    get pendingBytes() {
      return size;
    },
  };
}

/** Size of the first message, so that one that comes in many small chunks is joined once and not at each chunk. */
function neededBytes(chunks: readonly Uint8Array[]): number {
  const [first, second] = chunks;
  const high = first?.[0] ?? 0;
  const low = first?.[1] ?? second?.[0] ?? 0;
  return 2 + (high << 8) + low;
}

/** The message with its length in front. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + message.length);
  writeUint16(frame, 0, message.length);
  frame.set(message, 2);
  return frame;
}
