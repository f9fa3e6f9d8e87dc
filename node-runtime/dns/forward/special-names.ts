import { isIPv4 } from "node:net";
import { classIn, rcodes, recordTypes } from "../wire/codes.ts";
import { ancestorKeys, keyToName, nameFromText, type NameKey, parentKey, rootKey, toNameKey } from "../wire/name.ts";
import { rdataFromText } from "../wire/rdata.ts";
import { type Answer, emptyAnswer } from "../wire/reply.ts";
import type { Question } from "../zones/answer-query.ts";

const localhost = toKey("localhost");

/** Names that mean something on this network only, or nothing at all (RFC 6761, 6762, 7686, 8375; RFC 6303 §4, RFC 7793). */
const localNames = new Set<NameKey>([
  "test",
  "invalid",
  "onion",
  "local",
  "alt",
  "home.arpa",
  ...["10", "168.192", "0", "127", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255"].map(reverse4),
  ...range(16, 31).map((byte) => reverse4(`${byte}.172`)),
  ...range(64, 127).map((byte) => reverse4(`${byte}.100`)),
  ...[
    "d.f",
    "8.e.f",
    "9.e.f",
    "a.e.f",
    "b.e.f",
    "8.b.d.0.1.0.0.2",
    "0.".repeat(32).slice(0, -1),
    `1.${"0.".repeat(31).slice(0, -1)}`,
  ]
    .map((digits) => `${digits}.ip6.arpa`),
].map(toKey));

// What a resolver behind us needs to validate top-level domains.
const delegationTypes = new Set<number>([recordTypes.NS, recordTypes.SOA, recordTypes.DS, recordTypes.DNSKEY]);

/** The answer for a name that must not be asked of the public DNS, or `undefined` for an ordinary one. */
export function answerSpecialName({ key, type }: Question): Answer | undefined {
  for (const ancestor of ancestorKeys(key)) {
    if (ancestor === localhost) return loopback(key, type);
    if (localNames.has(ancestor)) return emptyAnswer(rcodes.NXDOMAIN);
  }
  const isSingleLabel = key !== rootKey && parentKey(key) === rootKey;
  return isSingleLabel && !delegationTypes.has(type) ? emptyAnswer(rcodes.NXDOMAIN) : undefined;
}

function loopback(key: NameKey, type: number): Answer {
  const value = type === recordTypes.A ? "127.0.0.1" : type === recordTypes.AAAA ? "::1" : undefined;
  if (value === undefined) return emptyAnswer(rcodes.NOERROR);
  const rdata = rdataFromText(isIPv4(value) ? "A" : "AAAA", value);
  return {
    ...emptyAnswer(rcodes.NOERROR),
    answers: [{ name: keyToName(key), type, class: classIn, ttlSeconds: 86_400, rdata }],
  };
}

function toKey(text: string): NameKey {
  return toNameKey(nameFromText(text));
}

function reverse4(prefix: string): string {
  return `${prefix}.in-addr.arpa`;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
