import { internName } from "../http1/field-names.ts";
import type { Fields } from "../l7/streams.ts";
import { isFieldValue } from "./field-values.ts";

/** Fields as node's http2 takes them: a repeated name has an array, in order. */
export type HeaderObject = Record<string, string | number | string[]>;

/**
 * Adds `fields` to `target`, names in lower case (RFC 9113 §8.2.1).
 *
 * @throws {TypeError} when a value holds a character that would end it, or become another, on the wire
 */
export function addFields(target: HeaderObject, fields: Fields): HeaderObject {
  for (let index = 0; index < fields.length; index += 2) {
    const name = internName(fields[index] ?? "").lower;
    const value = fields[index + 1] ?? "";
    if (!isFieldValue(value)) throw new TypeError(`the value of the field "${name}" has a control character`);
    // A token, and yet no key: it would set the prototype.
    if (name === "__proto__") continue;
    const known = Object.hasOwn(target, name) ? target[name] : undefined;
    if (known === undefined) target[name] = value;
    else if (Array.isArray(known)) known.push(value);
    else target[name] = [String(known), value];
  }
  return target;
}
