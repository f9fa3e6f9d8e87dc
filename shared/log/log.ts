import process from "node:process";
import { describeError } from "../errors/platform-error.ts";

/** Severity of a log line, least severe first. */
export const logLevels = ["debug", "info", "warn", "error"] as const;
/** Severity of a log line. */
export type LogLevel = (typeof logLevels)[number];

/** Structured facts of a log line. `error` may hold any thrown value; secrets never belong here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes JSON log lines. Children carry fixed fields, such as `requestId`. */
export interface Log {
  /** Logs for developers; hidden by default. */
  debug(message: string, fields?: LogFields): void;
  /** Logs what an operator may want to know. */
  info(message: string, fields?: LogFields): void;
  /** Logs what an operator should look at some day. */
  warn(message: string, fields?: LogFields): void;
  /** Logs what an operator should look at now. */
  error(message: string, fields?: LogFields): void;
  /** A log that adds `fields` to each line. */
  child(fields: LogFields): Log;
}

/** What {@link createLog} needs. */
export interface LogOptions {
  /** Name of the program or system, the `system` field of each line. */
  readonly system: string;
  /** Lines below this severity are dropped; `info` unless given. A function is asked at each line, so that it can change. */
  readonly level?: LogLevel | (() => LogLevel);
  /** Receives each line with its newline; stderr unless given. */
  readonly write?: (line: string) => void;
  /** The clock; the system's unless given. */
  readonly now?: () => Date;
}

/**
 * A log that writes one JSON object a line: `time` (ISO 8601), `level`, `system`, `message`, then the fields.
 *
 * @example
 * ```ts
 * import { createLog } from "#shared/log/log.ts";
 * const lines: string[] = [];
 * createLog({ system: "dns", write: (line) => lines.push(line) }).info("zone loaded", { records: 3 });
 * console.assert(JSON.parse(lines[0] ?? "").records === 3);
 * ```
 */
export function createLog(options: LogOptions): Log {
  const { level = "info" } = options;
  const threshold = typeof level === "function" ? () => logLevels.indexOf(level()) : constant(logLevels.indexOf(level));
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const now = options.now ?? (() => new Date());
  return withFields({ system: options.system });

  function withFields(fixed: LogFields): Log {
    const at = (name: LogLevel) => {
      const severity = logLevels.indexOf(name);
      return (message: string, fields: LogFields = {}) => {
        if (severity < threshold()) return;
        write(toLine({ time: now().toISOString(), level: name, message, ...fixed, ...fields }));
      };
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => withFields({ ...fixed, ...fields }),
    };
  }
}

/** A log that drops everything; for tests and for callers without one. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};

function constant(value: number): () => number {
  return () => value;
}

function toLine(fields: LogFields): string {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    plain[key] = value instanceof Error ? describeError(value) : value;
    if (value instanceof Error && fields["level"] === "error" && value.stack) plain["stack"] = value.stack;
  }
  return JSON.stringify(plain) + "\n";
}
