import type { Buffer } from "node:buffer";

const maxMethodLength = 32;
const carriageReturn = 13, lineFeed = 10, zero = 48, nine = 57, dot = 46;
const prefix = [72, 84, 84, 80, 47] as const; // HTTP/

/** Bytes of methods in use. Lower case is none of them, though a backend may take it for one of them. */
const isMethodByte = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") isMethodByte[char.charCodeAt(0)] = 1;

/** Whether the token `text` is a method that somebody may offer. */
export function isMethod(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (isMethodByte[text.charCodeAt(index)] !== 1) return false;
  }
  return text.length <= maxMethodLength;
}

/** How many bytes a version has: `HTTP/1.1`. */
export const versionLength = 8;

/** The version at `at`; `other` for a well-formed one that we do not speak, `undefined` for anything else (RFC 9112 §2.3). */
export function readVersion(buffer: Buffer, at: number): "1.0" | "1.1" | "other" | undefined {
  for (let index = 0; index < prefix.length; index += 1) {
    if (buffer[at + index] !== prefix[index]) return undefined;
  }
  const major = buffer[at + 5] ?? 0;
  const minor = buffer[at + 7] ?? 0;
  if (!isDigit(major) || buffer[at + 6] !== dot || !isDigit(minor)) return undefined;
  if (major !== zero + 1 || minor > zero + 1) return "other";
  return minor === zero ? "1.0" : "1.1";
}

/** Whether there is a CRLF at `at`. */
export function isLineBreak(buffer: Buffer, at: number): boolean {
  return buffer[at] === carriageReturn && buffer[at + 1] === lineFeed;
}

/** The three-digit status at `at`, or -1 when it is none from 100 to 599 (RFC 9110 §15). */
export function readStatus(buffer: Buffer, at: number): number {
  const [first = 0, second = 0, third = 0] = [buffer[at], buffer[at + 1], buffer[at + 2]];
  if (first <= zero || first > zero + 5 || !isDigit(second) || !isDigit(third)) return -1;
  return (first - zero) * 100 + (second - zero) * 10 + third - zero;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}
