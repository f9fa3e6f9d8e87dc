import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import process from "node:process";
import type { Backend } from "#shared/contract/route.ts";

/** The most that one read gives. */
const bufferBytes = 64 * 1024;
/** Less than this is copied out, so that the buffer can be read into again. */
const copyBytes = 16 * 1024;

/** Node allocates 64 KiB for each read unless it is given a buffer; Deno has no `onread`. */
const hasOnRead = process.versions["deno"] === undefined;

/** One for all connections: what was read leaves it before the next read. */
let buffer = Buffer.allocUnsafeSlow(bufferBytes);

/** A TCP connection to `backend`, with half-close allowed, that gives what it reads to `onBytes` instead of `data` events. */
export function connectReading(backend: Backend, onBytes: (bytes: Buffer) => void): Socket {
  const target = { host: backend.address, port: backend.port, noDelay: true, allowHalfOpen: true };
  if (!hasOnRead) return connect(target).on("data", onBytes);
  const socket: Socket = connect({
    ...target,
    onread: {
      buffer: () => buffer,
      callback(sizeBytes) {
        onBytes(takeOut(sizeBytes));
        return !socket.isPaused();
      },
    },
  });
  return socket;
}

function takeOut(sizeBytes: number): Buffer {
  const bytes = buffer.subarray(0, sizeBytes);
  if (sizeBytes >= copyBytes) {
    buffer = Buffer.allocUnsafeSlow(bufferBytes);
    return bytes;
  }
  const copy = Buffer.allocUnsafe(sizeBytes);
  bytes.copy(copy);
  return copy;
}
