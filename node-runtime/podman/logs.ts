import { inPath, type PodmanConnection } from "./connection.ts";
import { decodeLogFrames } from "./log-frames.ts";
import { streamBytes } from "./stream.ts";

/** A line of a container's output. */
export interface PodmanLogLine {
  /** Which of the two streams. */
  readonly stream: "stdout" | "stderr";
  /** When it was written, ISO 8601, as precise as podman says (whole seconds in 4.3); empty when unknown. */
  readonly at: string;
  /** The line without its end. */
  readonly line: string;
}

/** Which part of the output is read. */
export interface LogOptions {
  /** Stays until the container stops, giving lines as they are written. */
  readonly follow?: boolean;
  /** Only the last lines of what exists; all unless given. */
  readonly tail?: number;
  /** Only lines written at or after this moment. */
  readonly since?: Date;
  /** Ends the stream quietly. */
  readonly signal?: AbortSignal;
}

/** Log operations. */
export interface PodmanLogs {
  /** The container's output, oldest first. @throws {PlatformError} not-found */
  streamLogs(id: string, options?: LogOptions): AsyncGenerator<PodmanLogLine>;
}

/** The log operations over a connection. */
export function createLogs(connection: PodmanConnection): PodmanLogs {
  async function* streamLogs(id: string, options: LogOptions = {}): AsyncGenerator<PodmanLogLine> {
    const bytes = streamBytes(connection, {
      path: `/containers/${inPath(id)}/logs`,
      query: {
        stdout: true,
        stderr: true,
        timestamps: true,
        follow: options.follow,
        tail: options.tail,
        since: options.since?.toISOString(),
      },
      action: `read the log of container "${id}"`,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const decoder = new TextDecoder();
    try {
      for await (const frame of decodeLogFrames(bytes)) yield toLine(frame.stream, decoder.decode(frame.bytes));
    } catch (error) {
      if (!options.signal?.aborted) throw error;
    }
  }
  return { streamLogs };
}

function toLine(stream: "stdout" | "stderr", text: string): PodmanLogLine {
  const line = text.replace(/\r?\n$/, "");
  const space = line.indexOf(" ");
  const at = space < 0 ? line : line.slice(0, space);
  if (!/^\d{4}-\d\d-\d\dT/.test(at)) return { stream, at: "", line };
  return { stream, at, line: space < 0 ? "" : line.slice(space + 1) };
}
