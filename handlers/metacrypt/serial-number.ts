import { randomBytes } from "node:crypto";

/** A new serial number in hex: 20 bytes, positive, with 158 random bits (RFC 5280 §4.1.2.2). */
export function newSerialNumber(): string {
  const bytes = randomBytes(20);
  // The top bit makes it negative; the next one, always set, keeps the length.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}
