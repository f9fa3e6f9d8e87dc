import type { Buffer } from "node:buffer";
import { type FieldName, findTokenEnd, internName, internNameAt } from "./field-names.ts";

const tab = 9, lineFeed = 10, carriageReturn = 13, space = 32, colon = 58;

/** Bytes of a field value or a reason phrase (RFC 9110 §5.5): no controls but the tab. */
const isValueByte = new Uint8Array(256).fill(1, 0x20).fill(0, 0x7f, 0x80);
isValueByte[tab] = 1;

/** A field line without its line break; {@link scanFieldLine} fills it in. */
export interface FieldLine {
  name: FieldName;
  /** Without the blanks around it (RFC 9110 §5.5). */
  valueStart: number;
  valueEnd: number;
  /** Whether nothing but spaces was before the value, and nothing behind it: what we ask of fields that frame a message. */
  isPlain: boolean;
}

/** A line for {@link scanFieldLine} to fill in. */
export function createFieldLine(): FieldLine {
  return { name: internName("Host"), valueStart: 0, valueEnd: 0, isPlain: false };
}

/**
 * Reads the field line at `at` into `line`. The index behind its CRLF, or -1 when it is malformed: no name, blanks before the colon or
 * at the start (obs-fold), a control, or a bare CR or LF (RFC 9112 §2.2, §5.1, §5.2).
 */
export function scanFieldLine(buffer: Buffer, at: number, line: FieldLine): number {
  const nameEnd = findTokenEnd(buffer, at);
  if (nameEnd === at || buffer[nameEnd] !== colon) return -1;
  line.name = internNameAt(buffer, at, nameEnd);
  let start = nameEnd + 1;
  while (buffer[start] === space) start += 1;
  line.isPlain = buffer[start] !== tab;
  while (buffer[start] === space || buffer[start] === tab) start += 1;
  const lineEnd = findValueEnd(buffer, start);
  if (buffer[lineEnd] !== carriageReturn || buffer[lineEnd + 1] !== lineFeed) return -1;
  let end = lineEnd;
  while (end > start && (buffer[end - 1] === space || buffer[end - 1] === tab)) end -= 1;
  if (end !== lineEnd) line.isPlain = false;
  line.valueStart = start;
  line.valueEnd = end;
  return lineEnd + 2;
}

/** The index of the first byte from `at` on that belongs to no field value. */
export function findValueEnd(buffer: Buffer, at: number): number {
  let end = at;
  while (isValueByte[buffer[end] ?? 0] === 1) end += 1;
  return end;
}

/**
 * The index behind the first CRLFCRLF, or -1 while there is none. `from` is where the head starts, or three bytes before what was not
 * searched yet.
 */
export function findHeadEnd(buffer: Buffer, from: number): number {
  const { length } = buffer;
  let at = from + 3;
  // Looks at every fourth byte: one of them must be a part of the four.
  while (at < length) {
    const byte = buffer[at];
    if (byte === lineFeed) {
      if (buffer[at - 1] === carriageReturn && buffer[at - 2] === lineFeed && buffer[at - 3] === carriageReturn) {
        return at + 1;
      }
      at += 2;
    } else if (byte === carriageReturn) {
      at += 1;
    } else {
      at += 4;
    }
  }
  return -1;
}

/**
 * Whether the bytes from `from` on, of a head that is not complete, can never become one: a control, or a CR or LF alone. For clients that
 * would otherwise wait for the time limit.
 */
export function isHopelessHead(buffer: Buffer, from: number): boolean {
  let at = findValueEnd(buffer, from);
  while (at < buffer.length) {
    if (buffer[at] === lineFeed) {
      // Reads may cut between CR and LF.
      if (at === 0 || buffer[at - 1] !== carriageReturn) return true;
      at += 1;
    } else {
      if (buffer[at] !== carriageReturn) return true;
      if (at + 1 === buffer.length) return false;
      if (buffer[at + 1] !== lineFeed) return true;
      at += 2;
    }
    at = findValueEnd(buffer, at);
  }
  return false;
}
