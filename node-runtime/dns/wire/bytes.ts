import { PlatformError } from "#shared/errors/platform-error.ts";

/**
 * The byte at `offset`.
 *
 * @throws {PlatformError} invalid-request — when the message ends before it
 */
export function readByte(bytes: Uint8Array, offset: number): number {
  const value = bytes[offset];
  if (value === undefined) throw malformed(`it ends before byte ${offset}`);
  return value;
}

/**
 * The big-endian 16-bit number at `offset`.
 *
 * @throws {PlatformError} invalid-request — when the message ends before it
 */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return (readByte(bytes, offset) << 8) | readByte(bytes, offset + 1);
}

/**
 * The big-endian 32-bit number at `offset`.
 *
 * @throws {PlatformError} invalid-request — when the message ends before it
 */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset) * 0x1_0000 + readUint16(bytes, offset + 2);
}

/** Stores a 16-bit number, big-endian. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Stores a 32-bit number, big-endian. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  writeUint16(bytes, offset, Math.floor(value / 0x1_0000));
  writeUint16(bytes, offset + 2, value & 0xffff);
}

/** The error for a message that breaks RFC 1035. */
export function malformed(what: string): PlatformError {
  return new PlatformError("invalid-request", `Cannot read the DNS message: ${what}, expected RFC 1035 §4.1`);
}
