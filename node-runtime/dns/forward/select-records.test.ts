import assert from "node:assert/strict";
import { test } from "node:test";
import { nameFromText, nameToText, toNameKey } from "../wire/name.ts";
import { upstreamReply } from "../testing/upstream.ts";
import { keepSeconds, selectRecords } from "./select-records.ts";

const question = { key: toNameKey(nameFromText("a.example")), type: 1 };
type Reply = Parameters<typeof upstreamReply>[0];
const select = (reply: Reply) => selectRecords(upstreamReply(reply), question, false);
const keep = (reply: Reply) => keepSeconds(select(reply), question.type);

test("selectRecords() passes on the question's chain in any order, and nothing else", () => {
  const { answers, authority } = select({
    answers: [
      ["b.example", 60, "A", "192.0.2.1"],
      ["bank.example", 60, "A", "192.0.2.66"],
      ["a.example", 60, "CNAME", "B.example"],
    ],
    soa: { ttl: 60, minimum: 60 },
  });
  assert.deepEqual(answers.map(({ name }) => nameToText(name)), ["a.example", "b.example"]);
  assert.deepEqual(authority, []);
});

test("keepSeconds() follows RFC 2308 and RFC 2181 §8", () => {
  const table: readonly (readonly [what: string, reply: Reply, seconds: number])[] = [
    ["the lowest TTL", { answers: [["a.example", 60, "CNAME", "b.example"], ["b.example", 30, "A", "192.0.2.1"]] }, 30],
    ["at most a day", { answers: [["a.example", 1_000_000, "A", "192.0.2.1"]] }, 86_400],
    ["TTL 0", { answers: [["a.example", 0, "A", "192.0.2.1"]] }, 0],
    ["a TTL with its top bit set", { answers: [["a.example", 0x8000_0000, "A", "192.0.2.1"]] }, 0],
    ["NODATA", { soa: { ttl: 600, minimum: 50 } }, 50],
    ["NXDOMAIN, at most 3 h", { rcode: 3, soa: { ttl: 86_400, minimum: 86_400 } }, 10_800],
    ["NXDOMAIN behind an alias", {
      rcode: 3,
      answers: [["a.example", 20, "CNAME", "b.example"]],
      soa: { ttl: 60, minimum: 60 },
    }, 20],
    ["NXDOMAIN without SOA", { rcode: 3 }, 0],
    ["an alias to nothing without SOA", { answers: [["a.example", 60, "CNAME", "b.example"]] }, 0],
    ["SERVFAIL", { rcode: 2, soa: { ttl: 60, minimum: 60 } }, 0],
  ];
  for (const [what, reply, seconds] of table) assert.equal(keep(reply), seconds, what);
});
