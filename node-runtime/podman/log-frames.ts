import { Buffer } from "node:buffer";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** A piece of a container's output. */
export interface LogFrame {
  /** Which of the two streams. */
  readonly stream: "stdout" | "stderr";
  /** The bytes, usually one line. */
  readonly bytes: Uint8Array;
}

/** Longest frame accepted, in bytes. */
const maxFrameBytes = 16 * 1024 * 1024;

/**
 * The frames of a multiplexed log stream (Docker Engine API, "Attach to a container", stream format): one byte for the stream
 * (1 stdout, 2 stderr), three zero bytes, the length as big-endian u32, then that many bytes. Chunk borders mean nothing.
 *
 * @throws {PlatformError} podman-failed — at an unknown stream, a frame above 16 MiB, or an unfinished frame at the end
 */
export async function* decodeLogFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<LogFrame> {
  let pending = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    for (let end = frameEnd(pending); end !== undefined && end <= pending.length; end = frameEnd(pending)) {
      yield { stream: pending[0] === 2 ? "stderr" : "stdout", bytes: Uint8Array.from(pending.subarray(8, end)) };
      pending = pending.subarray(end);
    }
  }
  if (pending.length > 0) {
    throw new PlatformError("podman-failed", `Cannot read the log: it ends ${pending.length} bytes into a frame`);
  }
}

function frameEnd(bytes: Buffer): number | undefined {
  if (bytes.length < 8) return undefined;
  const length = bytes.readUInt32BE(4);
  const stream = bytes[0] ?? 0;
  if (stream > 2 || length > maxFrameBytes) {
    throw new PlatformError(
      "podman-failed",
      `Cannot read the log: frame of stream ${stream} with ${length} bytes, expected 0 to 2`,
    );
  }
  return 8 + length;
}
