import { inspect } from "node:util";
import { errorCatalogue, type ErrorCode, type ErrorEntry } from "./catalogue.ts";

/** Facts that a program reading the error can use; JSON values only, never secrets. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** What goes with a {@link PlatformError}. */
export interface PlatformErrorOptions {
  /** What made this error happen; logged, never shown to a remote caller. */
  readonly cause?: unknown;
  /** Machine-readable facts shown to the caller. */
  readonly details?: ErrorDetails;
}

/**
 * The one error type for everything a caller can act on.
 *
 * Messages follow `Cannot <do what> "<value>": <what is>, expected <what should be>`:
 * sentence case, no full stop, no secrets.
 *
 * @example
 * ```ts
 * import { PlatformError } from "#shared/errors/platform-error.ts";
 * const error = new PlatformError("not-found", 'Cannot show service "web": it is not known, expected one of: api');
 * console.assert(error.httpStatus === 404);
 * ```
 */
export class PlatformError extends Error {
  /** The error's name in logs. */
  override readonly name = "PlatformError";
  /** The code that clients branch on. */
  readonly code: ErrorCode;
  /** Machine-readable facts shown to the caller. */
  readonly details: ErrorDetails;

  /** Makes an error with a code from the catalogue and a message for people. */
  constructor(code: ErrorCode, message: string, options: PlatformErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** The catalogue's facts about this code. */
  get entry(): ErrorEntry {
    return errorCatalogue[this.code];
  }

  /** The HTTP status of this code. */
  get httpStatus(): number {
    return this.entry.httpStatus;
  }
}

/** The error as a `PlatformError`: itself, or an `internal` one that hides what is unknown. */
export function toPlatformError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  return new PlatformError("internal", "Cannot answer the request: an unexpected error happened, see the log", {
    cause: error,
  });
}

/** The messages of an error and its causes, outermost first, joined by `: `; for logs and terminals. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current = error; current !== undefined && current !== null && parts.length < 8;) {
    const message = current instanceof Error ? current.message || current.name : toText(current);
    if (message !== "" && !parts.at(-1)?.includes(message)) parts.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}

function toText(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : inspect(thrown, { depth: 1, breakLength: Infinity });
}
