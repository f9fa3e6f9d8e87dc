import { malformed, readUint16 } from "./bytes.ts";
import { flags, headerBytes, recordTypes } from "./codes.ts";
import { skipPlainName, toNameKey } from "./name.ts";
import { readRecord, type ResourceRecord } from "./record.ts";

/** What an upstream server said. */
export interface UpstreamReply {
  readonly rcode: number;
  readonly truncated: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
}

/** Says whether the bytes are a reply with this id to this question, letter case aside (RFC 5452 §9.1). */
export function isReplyTo(bytes: Uint8Array, id: number, question: Uint8Array): boolean {
  if (bytes.length < headerBytes || readUint16(bytes, 0) !== id || (readUint16(bytes, 2) & flags.QR) === 0) {
    return false;
  }
  if (readUint16(bytes, 4) !== 1) {
    // Servers that know no EDNS, or could not read us, may answer with a header only.
    return readUint16(bytes, 4) === 0 && bytes.length === headerBytes && (readUint16(bytes, 2) & 15) !== 0;
  }
  return questionKey(bytes, headerBytes) === questionKey(question, 0);
}

function questionKey(bytes: Uint8Array, start: number): string | undefined {
  try {
    const end = skipPlainName(bytes, start);
    return `${toNameKey(bytes, start, end)} ${readUint16(bytes, end)} ${readUint16(bytes, end + 2)}`;
  } catch {
    return undefined;
  }
}

/**
 * The content of a reply that {@link isReplyTo} took.
 *
 * @throws {PlatformError} invalid-request — when a record of it is broken
 */
export function parseReply(bytes: Uint8Array): UpstreamReply {
  const word = readUint16(bytes, 2);
  const truncated = (word & flags.TC) !== 0;
  const hasQuestion = readUint16(bytes, 4) === 1;
  if (truncated || !hasQuestion) return { rcode: word & 15, truncated, answers: [], authority: [] };
  let offset = skipPlainName(bytes, headerBytes) + 4;
  const readSection = (countOffset: number): ResourceRecord[] => {
    const records: ResourceRecord[] = [];
    for (let left = readUint16(bytes, countOffset); left > 0; left--) {
      const { record, end } = readRecord(bytes, offset);
      records.push(record);
      offset = end;
    }
    return records;
  };
  const [answers, authority] = [readSection(6), readSection(8)];
  const opt = readSection(10).find((record) => record.type === recordTypes.OPT);
  if (opt !== undefined && opt.name.length !== 1) throw malformed("its OPT record is not at the root");
  return { rcode: (word & 15) | (opt === undefined ? 0 : (opt.ttlSeconds >>> 24) << 4), truncated, answers, authority };
}
