import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, integer, oneof, property, record, uint8Array } from "fast-check";
import { buildQuery, readReply, type TestQuery } from "../testing/messages.ts";
import { extendedErrors, rcodes } from "./codes.ts";
import { nameFromText, toNameKey } from "./name.ts";
import { parseQuery, type Query } from "./parse-query.ts";
import { parseReply } from "./parse-reply.ts";
import { rdataFromText } from "./rdata.ts";
import type { ResourceRecord } from "./record.ts";
import { emptyAnswer, encodeTemplate, finishReply, udpLimitBytes } from "./reply.ts";

function query(options: TestQuery = {}): Query {
  const parsed = parseQuery(buildQuery(options));
  assert.ok(parsed.kind === "query");
  return parsed.query;
}

function address(name: string, last: number): ResourceRecord {
  return { name: nameFromText(name), type: 1, class: 1, ttlSeconds: 300, rdata: rdataFromText("A", `192.0.2.${last}`) };
}

const open = { recursionAvailable: false, limitBytes: 65_535 };

test("finishReply() copies id, RD, CD and the letter case of each asker", () => {
  const template = encodeTemplate(query().question, {
    ...emptyAnswer(rcodes.NOERROR),
    answers: [address("www.ex.test", 1)],
  });
  const asker = query({ id: 77, name: "wWw.eX.tEsT", flags: 0x0110 });
  const reply = readReply(finishReply(template, asker, { ...open, recursionAvailable: true }));
  assert.equal(reply.id, 77);
  assert.equal(reply.question, "wWw.eX.tEsT");
  assert.equal(reply.flags, "rd ra cd");
  // The owner is a pointer at the question, so it has the asker's case too.
  assert.deepEqual(reply.answers, ["wWw.eX.tEsT 300 A 192.0.2.1"]);
  assert.equal(reply.opt, undefined);
});

test("finishReply() adds an OPT record for those who sent one, with DO and the extended error", () => {
  const template = encodeTemplate(query().question, emptyAnswer(rcodes.SERVFAIL, extendedErrors.other));
  const reply = readReply(finishReply(template, query({ ednsBytes: 4096, dnssecOk: true }), open));
  assert.deepEqual(reply.opt, { udpBytes: 1232, extendedRcode: 0, version: 0, dnssecOk: true });
  assert.equal(reply.extendedError, 0);
  assert.equal(readReply(finishReply(template, query(), open)).extendedError, undefined);
});

test("finishReply() cuts what is too large to nothing but question and OPT, with TC", () => {
  const answers = Array.from({ length: 60 }, (_, index) => address("www.ex.test", index));
  const template = encodeTemplate(query().question, { ...emptyAnswer(rcodes.NOERROR), answers });
  const fits = readReply(finishReply(template, query({ ednsBytes: 4096 }), { ...open, limitBytes: 1232 }));
  assert.equal(fits.answers.length, 60);
  const cut = readReply(finishReply(template, query({ ednsBytes: 600 }), { ...open, limitBytes: 600 }));
  assert.equal(cut.flags, "tc rd");
  assert.deepEqual([cut.answers.length, cut.opt?.udpBytes], [0, 1232]);
});

test("finishReply() lets TTLs decay to 0 and not below", () => {
  const template = encodeTemplate(query().question, {
    ...emptyAnswer(rcodes.NOERROR),
    answers: [address("www.ex.test", 1)],
  });
  const ttlAt = (ageSeconds: number) => readReply(finishReply(template, query(), { ...open, ageSeconds })).answers[0];
  assert.equal(ttlAt(100), "www.ex.test 200 A 192.0.2.1");
  assert.equal(ttlAt(301), "www.ex.test 0 A 192.0.2.1");
  assert.equal(ttlAt(0), "www.ex.test 300 A 192.0.2.1");
});

test("udpLimitBytes() is 512 without EDNS and at most 1232 with it", () => {
  const limits = [undefined, 100, 512, 1000, 4096].map((ednsBytes) =>
    udpLimitBytes(query(ednsBytes === undefined ? {} : { ednsBytes }))
  );
  assert.deepEqual(limits, [512, 512, 512, 1000, 1232]);
});

test("encodeTemplate() leaves out what a message cannot hold, with TC", () => {
  const big = { ...address("www.ex.test", 1), type: 16, rdata: new Uint8Array(40_000) };
  const template = encodeTemplate(query().question, { ...emptyAnswer(rcodes.NOERROR), answers: [big, big] });
  const reply = parseReply(finishReply(template, query(), open));
  assert.ok(template.bytes.length < 65_536);
  assert.equal(reply.truncated, true);
});

test("parseReply() reads back what encodeTemplate() wrote, names compressed or not", () => {
  const name = constantFrom("www.ex.test", "ex.test", "a.b.ex.test", "other.example", ".").map(nameFromText);
  const plain = record({ type: constantFrom(1, 16, 99), rdata: uint8Array({ maxLength: 40 }) });
  const named = record({ type: constantFrom(2, 5, 12, 39), rdata: name });
  const records = array(
    record({ name, ttlSeconds: integer({ min: 0, max: 0x7fff_ffff }), data: oneof(plain, named) }),
    { maxLength: 20 },
  ).map((rows) =>
    rows.map(({ name: owner, ttlSeconds, data }): ResourceRecord => ({ name: owner, class: 1, ttlSeconds, ...data }))
  );
  check(property(records, records, (answers, authority) => {
    const template = encodeTemplate(query().question, { ...emptyAnswer(rcodes.NXDOMAIN), answers, authority });
    const reply = parseReply(finishReply(template, query({ ednsBytes: 1232 }), open));
    assert.equal(reply.rcode, rcodes.NXDOMAIN);
    assert.deepEqual(reply.answers.map(comparable), answers.map(comparable));
    assert.deepEqual(reply.authority.map(comparable), authority.map(comparable));
  }));
});

function comparable({ name, rdata, ...rest }: ResourceRecord) {
  return { ...rest, name: toNameKey(name), rdata: [...rdata] };
}
