import { internName } from "../http1/field-names.ts";
import type { Fields } from "../l7/streams.ts";
import { isFieldValue } from "./field-values.ts";

/** Fields that a recipient may act on if it merges trailers into the head (RFC 9110 §6.5.1). */
const dropped =
  /^(?:authorization|cache-control|content-(?:encoding|range|type)|cookie|location|max-forwards|range|set-cookie|www-authenticate)$/;

/** The fields of a trailer section that may be forwarded (RFC 9113 §8.1): no framing, routing, authentication or state. */
export function parseTrailers(raw: Fields): string[] {
  const trailers: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const isPseudo = name.startsWith(":");
    if (isPseudo || internName(name).kind !== "ordinary" || !isFieldValue(value)) continue;
    if (!dropped.test(name.replaceAll("_", "-"))) trailers.push(name, value);
  }
  return trailers;
}
