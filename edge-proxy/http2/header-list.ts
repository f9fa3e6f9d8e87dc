import { internName } from "../http1/field-names.ts";
import type { Fields } from "../l7/streams.ts";
import { isFieldValue } from "./field-values.ts";

/**
 * Appends `fields` to `list`, names and values in turn, names in lower case (RFC 9113 §8.2.1).
 *
 * @throws {TypeError} when a value holds a character that would end it, or become another, on the wire
 */
export function addFields(list: string[], fields: Fields): string[] {
  for (let index = 0; index < fields.length; index += 2) {
    const name = internName(fields[index] ?? "").lower;
    const value = fields[index + 1] ?? "";
    if (!isFieldValue(value)) throw new TypeError(`the value of the field "${name}" has a control character`);
    list.push(name, value);
  }
  return list;
}

/** A short header section as node takes those of trailers and informational responses: a repeated name has an array, in order. */
export function toHeaderObject(list: Fields): Record<string, string[]> {
  const object: Record<string, string[]> = {};
  for (const [name, value] of addPairs(list)) {
    // A token, and yet no key: it would set the prototype.
    if (name === "__proto__") continue;
    if (Object.hasOwn(object, name)) object[name]?.push(value);
    else object[name] = [value];
  }
  return object;
}

function* addPairs(list: Fields): Generator<readonly [string, string]> {
  const pairs = addFields([], list);
  for (let index = 0; index < pairs.length; index += 2) yield [pairs[index] ?? "", pairs[index + 1] ?? ""];
}
