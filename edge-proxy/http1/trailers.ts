import type { Buffer } from "node:buffer";
import { maxHeaderFields } from "../limits.ts";
import { FramingError } from "./framing-error.ts";
import { createFieldLine, scanFieldLine } from "./field-line.ts";

/** Fields that a recipient may act on if it merges trailers into the head (RFC 9110 §6.5.1): framing, routing, authentication, state. */
const dropped = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "location",
  "max-forwards",
  "range",
  "set-cookie",
  "www-authenticate",
]);

/**
 * The trailer fields that may be forwarded of the section that fills `section` up to `length`, its empty line included.
 *
 * @throws {FramingError} when a field is malformed, or frames or routes a message (S7)
 */
export function parseTrailers(section: Buffer, length: number): string[] {
  const trailers: string[] = [];
  const line = createFieldLine();
  let at = 0;
  for (let count = 0; at < length - 2; count += 1) {
    at = scanFieldLine(section, at, line);
    if (at === -1 || at > length - 2 || count === maxHeaderFields) throw new FramingError("a trailer is malformed");
    const { kind, raw, lower } = line.name;
    if (kind === "contentLength" || kind === "transferEncoding" || kind === "host") {
      throw new FramingError(`there is ${raw} in the trailers`);
    }
    if (kind !== "ordinary" || dropped.has(lower.replaceAll("_", "-"))) continue;
    trailers.push(raw, section.toString("latin1", line.valueStart, line.valueEnd));
  }
  return trailers;
}
