import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import process from "node:process";
import type { Backend } from "#shared/contract/route.ts";

/** The most that one read gives. */
const bufferBytes = 64 * 1024;
/** Node allocates 64 KiB for each read unless it is given a buffer; Deno has no `onread`. */
const hasOnRead = process.versions["deno"] === undefined;

/**
 * Read into by all connections, and never handed out: each of them is told of its buffer before it knows of the read, so that what leaves
 * a read callback must be a copy.
 */
const buffer = Buffer.allocUnsafeSlow(bufferBytes);

/** A TCP connection to `backend`, with half-close allowed, that gives what it reads to `onBytes` instead of `data` events. */
export function connectReading(backend: Backend, onBytes: (bytes: Buffer) => void): Socket {
  const target = { host: backend.address, port: backend.port, noDelay: true, allowHalfOpen: true };
  if (!hasOnRead) return connect(target).on("data", onBytes);
  const socket: Socket = connect({
    ...target,
    onread: {
      buffer,
      callback(sizeBytes) {
        const bytes = Buffer.allocUnsafe(sizeBytes);
        buffer.copy(bytes, 0, 0, sizeBytes);
        onBytes(bytes);
        return !socket.isPaused();
      },
    },
  });
  return socket;
}
