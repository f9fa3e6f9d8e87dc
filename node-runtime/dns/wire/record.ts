import { malformed, readUint16, readUint32 } from "./bytes.ts";
import { recordTypes } from "./codes.ts";
import { readName, type WireName } from "./name.ts";

/** One resource record (RFC 1035 §4.1.3). */
export interface ResourceRecord {
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  /** Without compression. */
  readonly rdata: Uint8Array;
}

/** Where the names are in the data of a type: after `prefix` bytes, `names` of them, then anything. */
export interface RdataLayout {
  readonly prefix: number;
  readonly names: number;
  /** Whether the names may be compressed when sent (RFC 3597 §4: only in the types of RFC 1035). */
  readonly compress: boolean;
}

const layouts = new Map<number, RdataLayout>([
  [recordTypes.NS, { prefix: 0, names: 1, compress: true }],
  [recordTypes.CNAME, { prefix: 0, names: 1, compress: true }],
  [recordTypes.PTR, { prefix: 0, names: 1, compress: true }],
  [recordTypes.SOA, { prefix: 0, names: 2, compress: true }],
  [recordTypes.MX, { prefix: 2, names: 1, compress: true }],
  [recordTypes.RP, { prefix: 0, names: 2, compress: false }],
  [recordTypes.AFSDB, { prefix: 2, names: 1, compress: false }],
  [recordTypes.SRV, { prefix: 6, names: 1, compress: false }],
  [recordTypes.DNAME, { prefix: 0, names: 1, compress: false }],
]);

/** The layout of a type's data, or `undefined` where no compressed name can be in it. */
export function findRdataLayout(type: number): RdataLayout | undefined {
  return layouts.get(type);
}

/** A record read from a message, and where the next one starts. */
export interface ReadRecord {
  readonly record: ResourceRecord;
  readonly end: number;
}

/**
 * The record at `start`, with names in well-known data decompressed.
 *
 * @throws {PlatformError} invalid-request — when the message ends within it or a name in it is broken
 */
export function readRecord(bytes: Uint8Array, start: number): ReadRecord {
  const owner = readName(bytes, start);
  const fixed = owner.end;
  const dataStart = fixed + 10;
  const end = dataStart + readUint16(bytes, fixed + 8);
  if (end > bytes.length) throw malformed("it ends within a record");
  const type = readUint16(bytes, fixed);
  const record = {
    name: owner.name,
    type,
    class: readUint16(bytes, fixed + 2),
    ttlSeconds: readUint32(bytes, fixed + 4),
    rdata: readRdata(bytes, { type, start: dataStart, end }),
  };
  return { record, end };
}

function readRdata(bytes: Uint8Array, at: { type: number; start: number; end: number }): Uint8Array {
  const layout = findRdataLayout(at.type);
  if (layout === undefined || at.start === at.end) return bytes.slice(at.start, at.end);
  const parts = [bytes.subarray(at.start, at.start + layout.prefix)];
  let offset = at.start + layout.prefix;
  for (let index = 0; index < layout.names; index++) {
    const { name, end } = readName(bytes, offset);
    parts.push(name);
    offset = end;
  }
  if (offset > at.end) throw malformed("a name leaves its record");
  parts.push(bytes.subarray(offset, at.end));
  return concatBytes(parts);
}

/** The parts one after the other. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
