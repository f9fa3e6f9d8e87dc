import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, property, uint8Array } from "fast-check";
import { buildOpt, buildQuery, type TestQuery } from "../testing/messages.ts";
import { rcodes } from "./codes.ts";
import { parseQuery } from "./parse-query.ts";
import { concatBytes } from "./record.ts";

/** What becomes of a message, in one word. */
function verdict(bytes: Uint8Array): string {
  const parsed = parseQuery(bytes);
  if (parsed.kind === "error") return Object.entries(rcodes).find(([, rcode]) => rcode === parsed.rcode)?.[0] ?? "?";
  return parsed.kind;
}

const plain = buildQuery();
const withCount = (offset: number, value: number, rest: readonly Uint8Array[]) => {
  const bytes = concatBytes([plain, ...rest]);
  bytes[offset] = value;
  return bytes;
};

test("parseQuery() gives each kind of message its verdict", () => {
  const opcode = (number: number): TestQuery => ({ flags: number << 11 });
  const table: readonly (readonly [what: string, bytes: Uint8Array, expected: string])[] = [
    ["a plain query", plain, "query"],
    ["nothing", new Uint8Array(0), "drop"],
    ["11 bytes", plain.subarray(0, 11), "drop"],
    ["a reply", buildQuery({ flags: 0x8100 }), "drop"],
    ["no question", buildQuery({ questionCount: 0 }), "FORMERR"],
    ["two questions", buildQuery({ questionCount: 2 }), "FORMERR"],
    ["a cut question", plain.subarray(0, plain.length - 1), "FORMERR"],
    ["a cut name", plain.subarray(0, 16), "FORMERR"],
    ["a label of type 01", concatBytes([plain.subarray(0, 12), Uint8Array.of(0x41, 0, 0, 1, 0, 1)]), "FORMERR"],
    [
      "a name that points at itself",
      concatBytes([plain.subarray(0, 12), Uint8Array.of(0xc0, 12, 0, 1, 0, 1)]),
      "FORMERR",
    ],
    ["IQUERY", buildQuery(opcode(1)), "NOTIMP"],
    ["STATUS", buildQuery(opcode(2)), "NOTIMP"],
    ["opcode 3", buildQuery(opcode(3)), "NOTIMP"],
    ["NOTIFY without a primary", buildQuery(opcode(4)), "NOTIMP"],
    ["UPDATE", buildQuery(opcode(5)), "REFUSED"],
    ["opcode 6", buildQuery(opcode(6)), "NOTIMP"],
    ["EDNS", buildQuery({ ednsBytes: 4096 }), "query"],
    ["EDNS version 1", buildQuery({ ednsBytes: 4096, ednsVersion: 1 }), "BADVERS"],
    ["an unknown EDNS option", buildQuery({ ednsBytes: 4096, options: [0xfd, 0xe9, 0, 1, 7] }), "query"],
    ["an EDNS option that leaves the OPT record", buildQuery({ ednsBytes: 4096, options: [0, 3, 0, 9, 1] }), "FORMERR"],
    ["a cut EDNS option", buildQuery({ ednsBytes: 4096, options: [0, 3, 0] }), "FORMERR"],
    ["two OPT records", withCount(11, 2, [buildOpt({}), buildOpt({})]), "FORMERR"],
    ["an OPT record not at the root", withCount(11, 1, [Uint8Array.of(1, 97), buildOpt({})]), "FORMERR"],
    ["an OPT record in the answer section", withCount(7, 1, [buildOpt({})]), "FORMERR"],
    ["a record that is announced and not there", withCount(11, 1, []), "FORMERR"],
    ["bytes behind the message", concatBytes([plain, Uint8Array.of(1, 2, 3)]), "query"],
  ];
  for (const [what, bytes, expected] of table) assert.equal(verdict(bytes), expected, what);
});

test("parseQuery() keeps the question as sent, and folds its name for look-ups", () => {
  const parsed = parseQuery(buildQuery({ name: "WwW.eX.test", type: "AAAA", ednsBytes: 100, dnssecOk: true }));
  assert.ok(parsed.kind === "query");
  assert.equal(parsed.query.key, "\x03www\x02ex\x04test\0");
  assert.equal(parsed.query.type, 28);
  assert.equal(parsed.query.question[1], "W".charCodeAt(0));
  assert.deepEqual(parsed.query.edns, { payloadBytes: 512, version: 0, dnssecOk: true });
  const trailing = parseQuery(concatBytes([plain, Uint8Array.of(1, 2)]));
  assert.equal(trailing.kind === "query" ? trailing.query.trailingBytes : 0, 2);
});

test("parseQuery() never throws", () => {
  check(property(uint8Array({ maxLength: 100 }), (bytes) => void parseQuery(bytes)));
  check(property(uint8Array({ maxLength: 60 }), (tail) => void parseQuery(concatBytes([plain.subarray(0, 12), tail]))));
});
