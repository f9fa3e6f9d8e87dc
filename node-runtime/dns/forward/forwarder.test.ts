import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import { addressOf, upstreamReply } from "../testing/upstream.ts";
import { rcodes } from "../wire/codes.ts";
import { nameFromText, toNameKey } from "../wire/name.ts";
import type { QueryHead } from "../wire/parse-query.ts";
import type { Exchange } from "./exchange.ts";
import { createForwarder, type ForwarderOptions } from "./forwarder.ts";

const head: QueryHead = { id: 1, flags: 0x0100, question: undefined, edns: undefined };
const first = { address: "192.0.2.1", port: 53 };
const second = { address: "192.0.2.2", port: 53 };
const question = (name: string, type = 1) => ({ key: toNameKey(nameFromText(name)), type });
const goodReply = upstreamReply({ answers: [["a.example", 100, "A", "192.0.2.9"]] });

/** A forwarder with a clock that the test moves, and a record of who was asked. */
function setUp(exchange: Exchange, options: Partial<ForwarderOptions> = {}) {
  const asked: string[] = [];
  const clock = { nowMs: 0 };
  const forwarder = createForwarder({
    upstreams: [first, second],
    exchange: (upstream, upstreamQuestion, signal) => {
      asked.push(`${upstream.address}${upstreamQuestion.useEdns ? "" : " plain"}`);
      return exchange(upstream, upstreamQuestion, signal);
    },
    log: silentLog,
    nowMs: () => clock.nowMs,
    ...options,
  });
  return { forwarder, asked, clock };
}

test("resolve() caches, and TTLs decay by whole seconds until the answer is asked anew", async () => {
  const { forwarder, asked, clock } = setUp(() => Promise.resolve(goodReply));
  const { answer } = await forwarder.resolve(question("a.example"), head);
  assert.equal(addressOf(answer.answers[0]), "192.0.2.9");
  clock.nowMs = 99_999;
  assert.equal(forwarder.findCached(question("A.Example"), head)?.ageSeconds, 99);
  assert.equal(forwarder.findCached(question("a.example", 28), head), undefined);
  assert.equal(forwarder.findCached(question("a.example"), { ...head, flags: 0x0110 }), undefined);
  clock.nowMs = 100_000;
  assert.equal(forwarder.findCached(question("a.example"), head), undefined);
  assert.equal(asked.length, 1);
  assert.equal(forwarder.usage.cacheEntries, 0);
});

test("resolve() asks equal questions in flight once", async () => {
  const gate = Promise.withResolvers<typeof goodReply>();
  const { forwarder, asked } = setUp(() => gate.promise);
  const answers = Array.from({ length: 50 }, () => forwarder.resolve(question("a.example"), head));
  assert.equal(forwarder.usage.inFlight, 1);
  gate.resolve(goodReply);
  for (const { answer } of await Promise.all(answers)) assert.equal(answer.rcode, rcodes.NOERROR);
  assert.deepEqual([asked.length, forwarder.usage.inFlight], [1, 0]);
});

test("resolve() keeps NXDOMAIN for every type of the name, NODATA for one", async () => {
  const { forwarder } = setUp((_upstream, { question: bytes }) =>
    Promise.resolve(upstreamReply({ rcode: bytes[1] === "n".charCodeAt(0) ? 3 : 0, soa: { ttl: 60, minimum: 60 } }))
  );
  await forwarder.resolve(question("no.example"), head);
  await forwarder.resolve(question("empty.example"), head);
  assert.equal(forwarder.findCached(question("no.example", 28), head)?.answer.rcode, rcodes.NXDOMAIN);
  assert.equal(forwarder.findCached(question("empty.example"), head)?.answer.rcode, rcodes.NOERROR);
  assert.equal(forwarder.findCached(question("empty.example", 28), head), undefined);
});

test("resolve() goes on to the next upstream after SERVFAIL, REFUSED and silence, and stays there", async () => {
  for (
    const bad of [
      () => Promise.resolve(upstreamReply({ rcode: 2 })),
      () => Promise.resolve(upstreamReply({ rcode: 5 })),
      unreachable,
    ]
  ) {
    const { forwarder, asked } = setUp((upstream) => upstream === first ? bad() : Promise.resolve(goodReply));
    assert.equal((await forwarder.resolve(question("a.example"), head)).answer.rcode, rcodes.NOERROR);
    await forwarder.resolve(question("b.example"), head);
    assert.deepEqual(asked, ["192.0.2.1", "192.0.2.2", "192.0.2.2"]);
  }
});

test("resolve() answers SERVFAIL, uncached, when no upstream has an answer", async () => {
  const { forwarder, asked } = setUp(unreachable);
  const { answer } = await forwarder.resolve(question("a.example"), head);
  assert.deepEqual([answer.rcode, answer.extendedError, asked.length], [rcodes.SERVFAIL, 22, 4]);
  assert.equal(forwarder.findCached(question("a.example"), head), undefined);
});

test("resolve() gives up in time when upstreams are silent", async () => {
  const silent: Exchange = (_upstream, _question, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  const { forwarder, asked } = setUp(silent, { attemptTimeoutMs: 20, totalTimeoutMs: 50 });
  assert.equal((await forwarder.resolve(question("a.example"), head)).answer.rcode, rcodes.SERVFAIL);
  assert.ok(asked.length <= 4);
});

test("resolve() asks an upstream that cannot take EDNS without it, for 15 minutes", async () => {
  const { forwarder, asked, clock } = setUp(
    (_upstream, { useEdns }) => Promise.resolve(useEdns ? upstreamReply({ rcode: 1 }) : goodReply),
    { upstreams: [first] },
  );
  await forwarder.resolve(question("a.example"), head);
  await forwarder.resolve(question("b.example"), head);
  clock.nowMs = 15 * 60_000;
  await forwarder.resolve(question("c.example"), head);
  assert.deepEqual(asked, ["192.0.2.1", "192.0.2.1 plain", "192.0.2.1 plain", "192.0.2.1", "192.0.2.1 plain"]);
});

test("resolve() answers SERVFAIL at once above its bound of open questions", async () => {
  const gate = Promise.withResolvers<typeof goodReply>();
  const { forwarder } = setUp(() => gate.promise, { maxInFlight: 1 });
  const open = forwarder.resolve(question("a.example"), head);
  assert.equal((await forwarder.resolve(question("b.example"), head)).answer.rcode, rcodes.SERVFAIL);
  gate.resolve(goodReply);
  assert.equal((await open).answer.rcode, rcodes.NOERROR);
});

function unreachable(): Promise<never> {
  return Promise.reject(new PlatformError("unavailable", "Cannot ask: nobody is there"));
}
