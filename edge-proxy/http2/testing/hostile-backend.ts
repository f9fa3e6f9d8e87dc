import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { startTcpBackend, type TestBackend } from "../../testing/test-backend.ts";
import { frame, frameTypes, headers, integer } from "./frames.ts";

/** A backend that answers the first request with raw frames, whatever it is. */
export function openHostile(...answers: readonly Uint8Array[]): Promise<TestBackend> {
  return startTcpBackend((socket: Socket) => {
    socket.write(frame(frameTypes.settings, 0, 0));
    let input = Buffer.alloc(0);
    socket.on("data", function look(chunk: Buffer) {
      input = Buffer.concat([input, chunk]);
      if (!hasRequest(input)) return;
      socket.off("data", look);
      socket.write(Buffer.concat(answers));
    });
  });
}

/** HEADERS on stream 1; the last unless `flags` says otherwise. */
export function responseFrame(fields: readonly string[], flags: number = 5): Buffer {
  return headers(1, fields, flags);
}

/** One byte of DATA on stream 1. */
export const dataFrame: Buffer = frame(frameTypes.data, 0, 1, Buffer.of(65));

/** RST_STREAM on stream 1. */
export function rstFrame(code: number): Buffer {
  return frame(frameTypes.rstStream, 0, 1, integer(4, code));
}

function hasRequest(input: Buffer): boolean {
  let at = 24;
  while (input.length >= at + 9) {
    if (input[at + 3] === frameTypes.headers) return true;
    at += 9 + input.readUIntBE(at, 3);
  }
  return false;
}
