import { malformed, readUint16 } from "./bytes.ts";
import { flags, headerBytes, opcodes, rcodes, recordTypes } from "./codes.ts";
import { type NameKey, skipPlainName, toNameKey } from "./name.ts";
import { readRecord, type ResourceRecord } from "./record.ts";

/** What the sender's OPT record says (RFC 6891 §6.1). */
export interface Edns {
  /** Largest UDP reply that the sender takes, at least 512. */
  readonly payloadBytes: number;
  readonly version: number;
  readonly dnssecOk: boolean;
}

/** What every reply needs, also one to a broken query. */
export interface QueryHead {
  readonly id: number;
  /** The second header word as sent. */
  readonly flags: number;
  /** Question bytes exactly as sent; absent when there is none to repeat. */
  readonly question: Uint8Array | undefined;
  readonly edns: Edns | undefined;
}

/** A query with one question. */
export interface Query extends QueryHead {
  readonly question: Uint8Array;
  readonly key: NameKey;
  readonly type: number;
  readonly class: number;
  /** Bytes behind the message, which are ignored. */
  readonly trailingBytes: number;
}

/** A query to answer, one to answer with an error, or something that gets no reply. */
export type ParsedQuery =
  | { readonly kind: "query"; readonly query: Query }
  | { readonly kind: "error"; readonly rcode: number; readonly head: QueryHead }
  | { readonly kind: "drop"; readonly reason: string };

/** What the bytes ask; never throws. Replies and what is shorter than a header are dropped, as answering could loop. */
export function parseQuery(bytes: Uint8Array): ParsedQuery {
  if (bytes.length < headerBytes) return { kind: "drop", reason: "short" };
  const head = { id: readUint16(bytes, 0), flags: readUint16(bytes, 2), question: undefined, edns: undefined };
  if ((head.flags & flags.QR) !== 0) return { kind: "drop", reason: "reply" };
  const opcode = (head.flags >> 11) & 15;
  if (opcode !== opcodes.QUERY && opcode !== opcodes.UPDATE) return { kind: "error", rcode: rcodes.NOTIMP, head };
  // RFC 9619: one question, also where the rest could be read.
  if (readUint16(bytes, 4) !== 1) return { kind: "error", rcode: rcodes.FORMERR, head };
  try {
    return opcode === opcodes.UPDATE ? refuseUpdate(bytes, head) : parseBody(bytes, head);
  } catch {
    return { kind: "error", rcode: rcodes.FORMERR, head };
  }
}

function refuseUpdate(bytes: Uint8Array, head: QueryHead): ParsedQuery {
  const question = bytes.subarray(headerBytes, questionEnd(bytes));
  return { kind: "error", rcode: rcodes.REFUSED, head: { ...head, question } };
}

function questionEnd(bytes: Uint8Array): number {
  const end = skipPlainName(bytes, headerBytes) + 4;
  if (end > bytes.length) throw malformed("it ends within its question");
  return end;
}

function parseBody(bytes: Uint8Array, head: QueryHead): ParsedQuery {
  const end = questionEnd(bytes);
  const nameEnd = end - 4;
  const rest = readEdns(bytes, end);
  const query = {
    ...head,
    question: bytes.subarray(headerBytes, end),
    edns: rest.edns,
    key: toNameKey(bytes, headerBytes, nameEnd),
    type: readUint16(bytes, nameEnd),
    class: readUint16(bytes, nameEnd + 2),
    trailingBytes: bytes.length - rest.end,
  };
  if (query.edns !== undefined && query.edns.version > 0) return { kind: "error", rcode: rcodes.BADVERS, head: query };
  return { kind: "query", query };
}

function readEdns(bytes: Uint8Array, start: number): { edns: Edns | undefined; end: number } {
  const before = readUint16(bytes, 6) + readUint16(bytes, 8);
  const total = before + readUint16(bytes, 10);
  let edns: Edns | undefined;
  let offset = start;
  for (let index = 0; index < total; index++) {
    const { record, end } = readRecord(bytes, offset);
    offset = end;
    if (record.type !== recordTypes.OPT) continue;
    if (edns !== undefined || index < before) throw malformed("it has a second or misplaced OPT record");
    edns = toEdns(record);
  }
  return { edns, end: offset };
}

/**
 * The content of an OPT record.
 *
 * @throws {PlatformError} invalid-request — when its owner is not the root, or an option leaves the record
 */
export function toEdns(record: ResourceRecord): Edns {
  if (record.name.length !== 1) throw malformed("its OPT record is not at the root");
  for (let offset = 0; offset < record.rdata.length;) {
    offset += 4 + readUint16(record.rdata, offset + 2);
    if (offset > record.rdata.length) throw malformed("an EDNS option leaves the OPT record");
  }
  return {
    payloadBytes: Math.max(512, record.class),
    version: (record.ttlSeconds >>> 16) & 0xff,
    dnssecOk: (record.ttlSeconds & 0x8000) !== 0,
  };
}
