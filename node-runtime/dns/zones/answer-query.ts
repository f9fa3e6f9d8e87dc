import { extendedErrors, rcodes, recordTypes } from "../wire/codes.ts";
import { keyToName, type NameKey, toNameKey } from "../wire/name.ts";
import type { ResourceRecord } from "../wire/record.ts";
import { type Answer, emptyAnswer } from "../wire/reply.ts";
import { findGlue, findZone, type Lookup, lookUp, type Zone, type ZoneSet } from "./zone.ts";

/** Longest chain of CNAME records that is followed. */
const maxChain = 12;

/** What is asked: the name's key and the type; the class is IN. */
export interface Question {
  readonly key: NameKey;
  readonly type: number;
}

/** The answer from our zones, or `undefined` when the name is in none of them. Pure: the same zones give the same answer. */
export function answerQuery(zones: ZoneSet, question: Question): Answer | undefined {
  const chain: ResourceRecord[] = [];
  const seen = new Set<NameKey>();
  let key = question.key;
  for (let zone = findZone(zones, key, question.type); zone !== undefined; zone = findZone(zones, key, question.type)) {
    const found = lookUp(zone, key, question.type);
    if (found.kind !== "cname") return finishChain(chain, zone, { found, key });
    seen.add(key);
    chain.push(withOwner(found.record, key));
    key = toNameKey(found.record.rdata);
    if (seen.has(key) || chain.length > maxChain) return emptyAnswer(rcodes.SERVFAIL, extendedErrors.other);
  }
  // A chain that leaves our zones is answered as far as it goes (RFC 1034 §4.3.2 step 3a).
  return chain.length === 0 ? undefined : authoritative(rcodes.NOERROR, { answers: chain });
}

function finishChain(
  chain: readonly ResourceRecord[],
  zone: Zone,
  end: { readonly found: Exclude<Lookup, { kind: "cname" }>; readonly key: NameKey },
): Answer {
  const { found, key } = end;
  switch (found.kind) {
    case "records":
      return authoritative(rcodes.NOERROR, {
        answers: [...chain, ...found.records.map((record) => withOwner(record, key))],
      });
    case "no-data":
      return authoritative(rcodes.NOERROR, { answers: chain, authority: [zone.negativeSoa] });
    case "no-name":
      return authoritative(rcodes.NXDOMAIN, { answers: chain, authority: [zone.negativeSoa] });
    case "referral":
      return {
        ...authoritative(rcodes.NOERROR, { answers: chain, authority: found.servers }),
        authoritative: chain.length > 0,
        additional: findGlue(zone, found.servers.map((server) => toNameKey(server.rdata))),
      };
  }
}

function authoritative(
  rcode: number,
  sections: { readonly answers: readonly ResourceRecord[]; readonly authority?: readonly ResourceRecord[] },
): Answer {
  return { rcode, authoritative: true, authority: [], additional: [], ...sections };
}

/** The record with the name that was asked for, where a wildcard gave it. */
function withOwner(record: ResourceRecord, key: NameKey): ResourceRecord {
  return toNameKey(record.name) === key ? record : { ...record, name: keyToName(key) };
}

/** The name that a chain of CNAME records in the answer ends at outside our zones, or `undefined` when it does not. */
export function findOpenTarget(answer: Answer, question: Question): NameKey | undefined {
  const last = answer.answers.at(-1);
  const isOpen = last?.type === recordTypes.CNAME && answer.authority.length === 0 && answer.rcode === rcodes.NOERROR &&
    question.type !== recordTypes.CNAME && question.type !== recordTypes.ANY;
  return isOpen ? toNameKey(last.rdata) : undefined;
}
