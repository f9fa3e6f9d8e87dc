import type { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import process from "node:process";
import type { Backend } from "#shared/contract/route.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createReadBuffers, releaseBuffer } from "./read-buffers.ts";

/** Takes what a connection reads; `false` pauses it until it is resumed. */
export type TakeBytes = (chunk: Buffer, isWritten?: () => void) => boolean;

/** A connection to an instance whose bytes go to one taker. */
export interface L4Upstream {
  readonly socket: Socket;
  /** Sends everything that is read to `take`: instead of `data` events, which this socket may not have. */
  readTo(take: TakeBytes, isDrained: () => boolean): void;
}

/** Reading into own buffers is what bulk on Node is fast by; Deno has no `onread`. */
const hasOnRead = process.versions["deno"] === undefined;

/**
 * A TCP connection to `backend`, with half-close allowed. Gives what to call to give the attempt up.
 *
 * `done` is called once: with the connection, or with a PlatformError: `unavailable` when it refuses, `timeout` when it does not answer
 * within `timeoutMs`.
 */
export function connectL4(
  backend: Backend,
  timeoutMs: number,
  done: (result: L4Upstream | PlatformError) => void,
): () => void {
  const place = `"${backend.instance}" at ${backend.address}:${backend.port}`;
  const upstream = open(backend);
  const { socket } = upstream;
  const timer = setTimeout(() => {
    socket.destroy();
    done(new PlatformError("timeout", `Cannot connect to ${place}: no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  const onError = (cause: Error) => {
    clearTimeout(timer);
    done(new PlatformError("unavailable", `Cannot connect to ${place}`, { cause }));
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    clearTimeout(timer);
    socket.off("error", onError);
    done(upstream);
  });
  return () => {
    clearTimeout(timer);
    socket.off("error", onError).on("error", () => undefined).destroy();
  };
}

function open(backend: Backend): L4Upstream {
  const target = { host: backend.address, port: backend.port, noDelay: true, allowHalfOpen: true };
  if (hasOnRead) return openWithBuffers(target);
  const socket = connect(target);
  return { socket, readTo: (take) => void socket.on("data", (chunk: Buffer) => take(chunk) || socket.pause()) };
}

function openWithBuffers(target: { host: string; port: number; noDelay: boolean; allowHalfOpen: boolean }): L4Upstream {
  const buffers = createReadBuffers();
  let take: TakeBytes | undefined;
  let isDrained = () => true;

  function onRead(sizeBytes: number): boolean {
    const buffer = buffers.next();
    if (take === undefined) return false;
    const chunk = sizeBytes === buffer.length ? buffer : buffer.subarray(0, sizeBytes);
    if (sizeBytes < 8_192) {
      const goesOn = take(chunk);
      // A write that the kernel took at once has left the buffer free.
      buffers.took(sizeBytes, !isDrained());
      return goesOn;
    }
    const goesOn = take(chunk, () => releaseBuffer(buffer));
    buffers.took(sizeBytes, true);
    return goesOn;
  }

  const socket = connect({ ...target, onread: { buffer: buffers.next, callback: onRead } });
  return {
    socket,
    readTo(taker, drained) {
      take = taker;
      isDrained = drained;
    },
  };
}
