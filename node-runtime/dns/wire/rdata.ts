import { isIP } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";
import packet from "dns-packet";
import type { RecordType } from "#shared/contract/state.ts";
import { nameFromText } from "./name.ts";

/**
 * The data of a record in wire form, from its text in a zone.
 *
 * @throws {PlatformError} invalid-request — when the value is no address of the type's family, or no name
 */
export function rdataFromText(type: RecordType, value: string): Uint8Array {
  if (type === "CNAME" || type === "NS") return nameFromText(value);
  if (isIP(value) !== (type === "A" ? 4 : 6) || value.includes("%")) {
    throw new PlatformError(
      "invalid-request",
      `Cannot use "${value}" in a record of type ${type}: it is no such address`,
    );
  }
  // A message with nothing but this record at the root: header 12, name 1, fixed part 10, then its data.
  return new Uint8Array(packet.encode({ type: "response", answers: [{ type, name: ".", data: value }] }).subarray(23));
}
