import { LogLine } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Platform } from "../platform/connect.ts";
import { readLines } from "./read-lines.ts";
import { reconnecting } from "./reconnect.ts";

/** Lines of each container that are asked for again after a lost connection, to find the ones that were missed. */
const overlapLines = 1000;

/** Which logs. */
export interface LogsOptions {
  readonly platform: Pick<Platform, "mcp">;
  readonly service: string;
  readonly component: string | undefined;
  /** Newest lines of each container to begin with. */
  readonly tail: number;
  readonly signal: AbortSignal;
  readonly onLost?: () => void;
}

/** The newest lines of a service's containers. */
export async function* readLogs({ platform, service, component, tail, signal }: LogsOptions): AsyncGenerator<LogLine> {
  yield* openLogs({ platform, service, component, tail, signal }, false);
}

/** The lines of a service's containers as they come; lost connections are mended without repeating or losing lines. */
export function followLogs(options: LogsOptions): AsyncGenerator<LogLine> {
  const lastAt = new Map<string, string>();
  let isFirst = true;
  return reconnecting({
    async *open() {
      const tail = isFirst ? options.tail : overlapLines;
      isFirst = false;
      // Lines of one moment may be several: only what was seen before this connection is skipped.
      const seen = new Map(lastAt);
      for await (const line of openLogs({ ...options, tail }, true)) {
        const source = `${line.instance}/${line.stream}`;
        if (line.at <= (seen.get(source) ?? "")) continue;
        lastAt.set(source, line.at);
        yield line;
      }
    },
    isLast: () => false,
    signal: options.signal,
    ...(options.onLost === undefined ? {} : { onLost: options.onLost }),
  });
}

async function* openLogs(
  { platform, service, component, tail, signal }: LogsOptions,
  isFollowing: boolean,
): AsyncGenerator<LogLine> {
  const response = await platform.mcp.logs({
    params: { service },
    query: { tail, follow: String(isFollowing), ...(component === undefined ? {} : { component }) },
    signal,
  });
  for await (const text of readLines(response)) yield parseLine(text);
}

function parseLine(text: string): LogLine {
  try {
    return LogLine.parse(JSON.parse(text));
  } catch (cause) {
    throw new PlatformError(
      "unsupported",
      "Cannot read the logs: a line is not readable, expected a control plane of this version",
      { cause },
    );
  }
}
