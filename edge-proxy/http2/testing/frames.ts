import { Buffer } from "node:buffer";
import type { TLSSocket } from "node:tls";

/** Types of frames (RFC 9113 §6). */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
/** Flags of frames. */
export const frameFlags = { endStream: 1, ack: 1, endHeaders: 4 } as const;

/** A frame as it came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** The bytes of a frame (RFC 9113 §4.1). */
export function frame(type: number, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** What a client begins with: preface and SETTINGS, pairs of identifier and value. */
export function preface(...settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.concat(settings.map(([id, value]) => Buffer.concat([integer(2, id), integer(4, value)])));
  return Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frameTypes.settings, 0, 0, payload)]);
}

/** A header block of literals that are not indexed (RFC 7541 §6.2.2). */
export function headerBlock(fields: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    parts.push(Buffer.of(0), literal(fields[index] ?? ""), literal(fields[index + 1] ?? ""));
  }
  return Buffer.concat(parts);
}

/** A literal string without Huffman coding (RFC 7541 §5.2), raw bytes and all. */
export function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push(rest % 128 + 128);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

/** HEADERS with the whole section. */
export function headers(id: number, fields: readonly string[], flags: number = 5): Buffer {
  return frame(frameTypes.headers, flags, id, headerBlock(fields));
}

/** A GET of `/` at a.test, and further fields. */
export function get(...fields: string[]): string[] {
  return [":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.test", ...fields];
}

/** RST_STREAM. */
export function rstStream(id: number, code: number): Buffer {
  return frame(frameTypes.rstStream, 0, id, integer(4, code));
}

/** WINDOW_UPDATE. */
export function windowUpdate(id: number, bytes: number): Buffer {
  return frame(frameTypes.windowUpdate, 0, id, integer(4, bytes));
}

/** A big-endian number. */
export function integer(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** A peer that reads frames. */
export interface FrameReader {
  readonly frames: Frame[];
  /** Whether the connection is closed. */
  readonly closed: () => boolean;
  /** Resolves once `test` holds, which is asked after every frame and at the end; rejects when the connection closes before. */
  until(test: () => boolean): Promise<void>;
  /** Code of the GOAWAY, once the connection is closed. */
  goaway(): Promise<number | undefined>;
}

/** Reads frames from `socket`. */
export function readFrames(socket: TLSSocket): FrameReader {
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let rest: Buffer = Buffer.alloc(0);
  let closed = false;
  const wake = () => waiting.forEach((check) => check());
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      frames.push({
        type: rest[3] ?? 0,
        flags: rest[4] ?? 0,
        id: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      });
      rest = rest.subarray(end);
    }
    wake();
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    wake();
  });
  const until = (test: () => boolean, needsOpen: boolean) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (test()) resolve();
      else if (closed && needsOpen) reject(new Error("the connection is closed"));
      else return;
      waiting.delete(check);
    };
    waiting.add(check);
    check();
    return promise;
  };
  return {
    frames,
    closed: () => closed,
    until: (test) => until(test, true),
    async goaway() {
      await until(() => closed, false);
      return frames.find(({ type }) => type === frameTypes.goaway)?.payload.readUInt32BE(4);
    },
  };
}
