import { Buffer } from "node:buffer";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { malformed, readByte } from "./bytes.ts";

// Names are kept in wire form, since labels are bytes and not text (RFC 2181 §11).

/** A name in uncompressed wire form with the case it was written in (RFC 1035 §3.1). */
export type WireName = Uint8Array;

/** The lower-cased wire form as a latin1 string: equal keys are equal names (RFC 4343 §3). */
export type NameKey = string;

/** Longest name in wire form, in bytes, with its root label. */
const maxNameBytes = 255;
/** Most compression pointers followed for one name: more cannot be needed within 255 bytes. */
const maxJumps = 126;

/** The key of the root. */
export const rootKey: NameKey = "\0";

/**
 * The offset behind an uncompressed name, which is the only form that the first name of a message can have.
 *
 * @throws {PlatformError} invalid-request — at a pointer, a reserved label type, a name above 255 bytes, or a cut name
 */
export function skipPlainName(bytes: Uint8Array, start: number): number {
  for (let offset = start;;) {
    const length = readByte(bytes, offset);
    if (length > 63) throw malformed("the name of its question has a pointer or a reserved label type");
    offset += length + 1;
    if (offset - start > maxNameBytes) throw malformed("it has a name above 255 bytes");
    if (length === 0) return offset;
  }
}

/** A name read from a message, and where the next field starts. */
export interface ReadName {
  readonly name: WireName;
  readonly end: number;
}

/**
 * The name at `start` with its pointers followed; each pointer must lead further back than the last (RFC 1035 §4.1.4).
 *
 * @throws {PlatformError} invalid-request — at a reserved label type, a forward pointer, a name above 255 bytes, or a cut name
 */
export function readName(bytes: Uint8Array, start: number): ReadName {
  const name = new Uint8Array(maxNameBytes);
  let size = 0;
  let end: number | undefined;
  let lowest = start;
  for (let offset = start, jumps = 0;;) {
    const length = readByte(bytes, offset);
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | readByte(bytes, offset + 1);
      end ??= offset + 2;
      if (target >= lowest || ++jumps > maxJumps) throw malformed("it has a pointer that does not lead back");
      offset = lowest = target;
      continue;
    }
    if (length > 63) throw malformed("it has a reserved label type");
    if (size + length + 1 > maxNameBytes) throw malformed("it has a name above 255 bytes");
    readByte(bytes, offset + length);
    name.set(bytes.subarray(offset, offset + length + 1), size);
    size += length + 1;
    offset += length + 1;
    if (length === 0) return { name: name.slice(0, size), end: end ?? offset };
  }
}

const scratch = Buffer.alloc(maxNameBytes);

/** The key of the uncompressed name in `bytes[start, end)`. */
export function toNameKey(bytes: Uint8Array, start = 0, end = bytes.length): NameKey {
  // Length bytes are below 64, so lower-casing everything touches letters only.
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset] ?? 0;
    scratch[offset - start] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
  }
  return scratch.toString("latin1", 0, end - start);
}

/** The wire form of a key. */
export function keyToName(key: NameKey): WireName {
  return new Uint8Array(Buffer.from(key, "latin1"));
}

/** The key without its first label; the root's parent is the root. */
export function parentKey(key: NameKey): NameKey {
  return key === rootKey ? rootKey : key.slice(1 + key.charCodeAt(0));
}

/** The key and those of all its ancestors, ending with the root. */
export function* ancestorKeys(key: NameKey): Generator<NameKey> {
  for (let current = key; current !== rootKey; current = parentKey(current)) yield current;
  yield rootKey;
}

/** Whether `key` is `ancestor` or below it. */
export function isAtOrBelow(key: NameKey, ancestor: NameKey): boolean {
  for (const current of ancestorKeys(key)) if (current === ancestor) return true;
  return false;
}

/**
 * The wire form of a name written as text, with or without the trailing dot; `\DDD` and `\c` escapes as in RFC 1035 §5.1.
 *
 * @throws {PlatformError} invalid-request — when a label is empty or above 63 bytes, or the name above 255
 */
export function nameFromText(text: string): WireName {
  const bytes: number[] = [];
  let label: number[] = [];
  const closeLabel = () => {
    if (label.length === 0 || label.length > 63) throw unusable(text);
    bytes.push(label.length, ...label);
    label = [];
  };
  for (const [token] of text.matchAll(/\\[0-9]{3}|\\[^]|[^]/gu)) {
    if (token === ".") {
      if (text !== ".") closeLabel();
    } else label.push(...tokenBytes(token));
  }
  if (label.length > 0) closeLabel();
  bytes.push(0);
  if (bytes.length > maxNameBytes) throw unusable(text);
  return Uint8Array.from(bytes);
}

function tokenBytes(token: string): Uint8Array {
  const code = /^\\([0-9]{3})$/.exec(token)?.[1];
  if (code !== undefined) return Uint8Array.of(Number(code));
  return Buffer.from(token.startsWith("\\") ? token.slice(1) : token);
}

function unusable(text: string): PlatformError {
  return new PlatformError(
    "invalid-request",
    `Cannot read the name "${
      text.slice(0, 300)
    }": a part is empty or too long, expected labels of 1-63 bytes, 255 in all`,
  );
}

/** The name as text without the trailing dot, the root as `.`; bytes that are not plain are escaped (RFC 1035 §5.1). */
export function nameToText(name: WireName): string {
  const labels: string[] = [];
  for (let offset = 0; offset < name.length; offset += (name[offset] ?? 0) + 1) {
    const length = name[offset] ?? 0;
    if (length > 0) labels.push([...name.subarray(offset + 1, offset + 1 + length)].map(byteToText).join(""));
  }
  return labels.length === 0 ? "." : labels.join(".");
}

function byteToText(byte: number): string {
  if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, "0")}`;
  const character = String.fromCharCode(byte);
  return '.\\"();@$'.includes(character) ? `\\${character}` : character;
}
