import { classIn, rcodes, recordTypes } from "../wire/codes.ts";
import { readUint32 } from "../wire/bytes.ts";
import { isAtOrBelow, type NameKey, toNameKey } from "../wire/name.ts";
import type { UpstreamReply } from "../wire/parse-reply.ts";
import type { ResourceRecord } from "../wire/record.ts";
import type { Answer } from "../wire/reply.ts";
import type { Question } from "../zones/answer-query.ts";

const proofTypes = new Set<number>([recordTypes.RRSIG, recordTypes.NSEC, recordTypes.NSEC3]);

/**
 * What of an upstream's reply is passed on: records at the names of the question's CNAME chain, the SOA of a negative answer, and
 * DNSSEC proofs when asked for. Everything else an upstream may add is unasked and unproven (RFC 2181 §5.4.1).
 */
export function selectRecords(reply: UpstreamReply, question: Question, dnssecOk: boolean): Answer {
  const chain = new Set<NameKey>([question.key]);
  const answers: ResourceRecord[] = [];
  let rest = reply.answers.filter((record) => record.class === classIn);
  for (let before = -1; before !== answers.length;) {
    before = answers.length;
    rest = rest.filter((record) => {
      if (!isInChain(record, chain)) return true;
      if (record.type === recordTypes.CNAME) chain.add(toNameKey(record.rdata));
      answers.push(record);
      return false;
    });
  }
  const isNegative = reply.rcode === rcodes.NXDOMAIN || !hasData(answers, question.type);
  const authority = reply.authority.filter(({ class: recordClass, type }) =>
    recordClass === classIn && ((isNegative && type === recordTypes.SOA) || (dnssecOk && proofTypes.has(type)))
  );
  return { rcode: reply.rcode, authoritative: false, answers, authority, additional: [] };
}

/** Whether the records answer the question, and are not just aliases on the way. */
function hasData(records: readonly ResourceRecord[], type: number): boolean {
  return records.some((record) =>
    record.type === type || (type === recordTypes.ANY && record.type !== recordTypes.RRSIG)
  );
}

function isInChain(record: ResourceRecord, chain: ReadonlySet<NameKey>): boolean {
  const owner = toNameKey(record.name);
  if (chain.has(owner)) return true;
  return record.type === recordTypes.DNAME && [...chain].some((name) => isAtOrBelow(name, owner));
}

/** Longest time that an answer is kept, and a negative one (RFC 2308 §5), in seconds. */
const maxTtlSeconds = 86_400;
const maxNegativeTtlSeconds = 3 * 3600;

/** How long an answer may be kept, in seconds; 0 when not at all: errors, and negative answers without a SOA record. */
export function keepSeconds(answer: Answer, type: number): number {
  if (answer.rcode !== rcodes.NOERROR && answer.rcode !== rcodes.NXDOMAIN) return 0;
  const ttls = [...answer.answers, ...answer.authority].map((record) =>
    Math.min(maxTtlSeconds, toTtl(record.ttlSeconds))
  );
  const isPositive = answer.rcode === rcodes.NOERROR && hasData(answer.answers, type);
  if (isPositive) return Math.min(...ttls);
  const soa = answer.authority.find((record) => record.type === recordTypes.SOA);
  if (soa === undefined || soa.rdata.length < 22) return 0;
  return Math.min(maxNegativeTtlSeconds, readUint32(soa.rdata, soa.rdata.length - 4), ...ttls);
}

/** A TTL with its top bit set means 0 (RFC 2181 §8). */
function toTtl(seconds: number): number {
  return seconds > 0x7fff_ffff ? 0 : seconds;
}
