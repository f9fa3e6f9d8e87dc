// The one place that knows the TOML library: JSR's @std/toml cannot be installed where this is built.
import { parse, stringify, TomlError } from "smol-toml";
import { PlatformError } from "../errors/platform-error.ts";

/**
 * The table in a TOML text (TOML 1.0).
 *
 * @param source name of the file, for the message
 * @throws {PlatformError} invalid-config — when the text is not TOML; the message has the line and column
 */
export function parseToml(text: string, source: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    const place = cause instanceof TomlError ? `${source}:${cause.line}:${cause.column}` : source;
    const reason = cause instanceof TomlError
      ? cause.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "")
      : "it is not TOML";
    throw new PlatformError("invalid-config", `Cannot read "${place}": ${reason}, expected TOML`, {
      details: { source, ...(cause instanceof TomlError ? { line: cause.line, column: cause.column } : {}) },
    });
  }
}

/** A table as TOML text. */
export function formatToml(table: Record<string, unknown>): string {
  return stringify(table) + "\n";
}
