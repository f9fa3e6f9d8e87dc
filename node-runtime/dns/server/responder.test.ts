import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, asyncProperty, constantFrom, uint8Array } from "fast-check";
import { silentLog } from "#shared/log/log.ts";
import { createForwarder, type Forwarder } from "../forward/forwarder.ts";
import { exampleZones, exampleZoneState } from "../testing/example-zone.ts";
import { buildQuery, readReply, type TestQuery, type TestReply } from "../testing/messages.ts";
import { upstreamReply } from "../testing/upstream.ts";
import { parseReply } from "../wire/parse-reply.ts";
import { createZoneTable } from "../zones/zone-table.ts";
import { createDnsMetrics, type Transport } from "./metrics.ts";
import { createResponder } from "./responder.ts";

const soa = "ex.test 60 SOA serial=7";

function setUp(options: { readonly forwarder?: Forwarder; readonly mayForward?: boolean } = {}) {
  const zones = createZoneTable();
  zones.replace(exampleZones());
  const metrics = createDnsMetrics();
  const responder = createResponder({
    zones,
    forwarder: options.forwarder,
    mayForward: () => options.mayForward ?? true,
    metrics,
    log: silentLog,
  });
  const respond = async (bytes: Uint8Array, transport: Transport = "udp") =>
    await responder.respond(bytes, { address: "127.0.0.1", transport });
  const ask = async (query: TestQuery, transport?: Transport) => readReply(await respond(buildQuery(query), transport));
  return { zones, metrics, respond, ask };
}

/** A forwarder whose only upstream knows one address for every name, and counts. */
function fakeForwarder() {
  const asked: string[] = [];
  const clock = { nowMs: 0 };
  const forwarder = createForwarder({
    upstreams: [{ address: "192.0.2.1", port: 53 }],
    exchange: (_upstream, { question }) => {
      const name = String.fromCharCode(...question.subarray(1, 4));
      asked.push(name);
      return Promise.resolve(
        name === "bad"
          ? upstreamReply({ rcode: 2 })
          : upstreamReply({ answers: [["www.example.org", 60, "A", "192.0.2.77"]] }),
      );
    },
    log: silentLog,
    nowMs: () => clock.nowMs,
  });
  return { forwarder, asked, clock };
}

const summary = ({ rcode, flags, answers, authority, extendedError }: TestReply) =>
  `${rcode} [${flags}] ${answers.length} ${authority.join()}${
    extendedError === undefined ? "" : ` EDE ${extendedError}`
  }`.trim();

test("respond() gives each question its reply without a forwarder", async () => {
  const { ask } = setUp();
  const table: readonly (readonly [query: TestQuery, expected: string, transport?: Transport])[] = [
    [{}, "NOERROR [aa rd] 1"],
    [{ flags: 0 }, "NOERROR [aa] 1"],
    [{ flags: 0x0170 }, "NOERROR [aa rd cd] 1"],
    [{ name: "no.ex.test" }, `NXDOMAIN [aa rd] 0 ${soa}`],
    [{ name: "ent.ex.test" }, `NOERROR [aa rd] 0 ${soa}`],
    [{ name: "alias.ex.test" }, "NOERROR [aa rd] 3"],
    [{ name: "loop1.ex.test", ednsBytes: 1232 }, "SERVFAIL [rd] 0  EDE 0"],
    [{ name: "www.example.org", ednsBytes: 1232 }, "REFUSED [rd] 0  EDE 20"],
    [{ name: "www.example.org" }, "REFUSED [rd] 0"],
    [{ name: "." }, "REFUSED [rd] 0"],
    [{ type: "ANY" }, "NOERROR [aa rd] 1"],
    [{ name: "ex.test", type: "AXFR" }, "NOTIMP [rd] 0"],
    [{ name: "ex.test", type: "AXFR" }, "REFUSED [rd] 0", "tcp"],
    [{ name: "ex.test", type: "IXFR" }, "REFUSED [rd] 0", "tcp"],
    [{ type: "OPT" }, "FORMERR [rd] 0"],
    [{ type: "TYPE250" }, "NOTIMP [rd] 0"],
    [{ type: "TYPE65280" }, `NOERROR [aa rd] 0 ${soa}`],
    [{ class: 3 }, "REFUSED [rd] 0"],
    [{ class: 255 }, "REFUSED [rd] 0"],
    [{ flags: 2 << 11 }, "NOTIMP [] 0"],
    [{ questionCount: 2 }, "FORMERR [rd] 0"],
  ];
  for (const [query, expected, transport] of table) {
    assert.equal(summary(await ask(query, transport)), expected, JSON.stringify(query));
  }
});

test("respond() refuses EDNS versions above 0 with BADVERS and our own version", async () => {
  const { opt } = await setUp().ask({ ednsBytes: 4096, ednsVersion: 1 });
  assert.deepEqual([opt?.extendedRcode, opt?.version, opt?.udpBytes], [1, 0, 1232]);
});

test("respond() repeats the question bit for bit, from its cache too", async () => {
  const { ask } = setUp();
  for (const name of ["www.ex.test", "WWW.EX.TEST", "wWw.Ex.tEsT"]) {
    const reply = await ask({ name, id: name.charCodeAt(0) });
    assert.deepEqual([reply.question, reply.id, reply.answers.length], [name, name.charCodeAt(0), 1]);
  }
});

test("respond() cuts what UDP cannot carry, and gives all of it over TCP", async () => {
  const { ask, zones } = setUp();
  const records = Array.from(
    { length: 100 },
    (_, index) => ({ name: "many.ex.test", type: "A" as const, value: `192.0.2.${index}`, ttlSeconds: 60 }),
  );
  zones.replace(exampleZones([exampleZoneState({ records })]));
  for (const query of [{ name: "many.ex.test" }, { name: "many.ex.test", ednsBytes: 4096 }]) {
    assert.equal(summary(await ask(query)), "NOERROR [aa tc rd] 0");
  }
  assert.equal(summary(await ask({ name: "many.ex.test" }, "tcp")), "NOERROR [aa rd] 100");
});

test("respond() answers from the new zones at once after a change", async () => {
  const { ask, zones } = setUp();
  assert.equal((await ask({ name: "new.ex.test" })).rcode, "NXDOMAIN");
  zones.replace(
    exampleZones([
      exampleZoneState({ records: [{ name: "new.ex.test", type: "A", value: "192.0.2.5", ttlSeconds: 9 }] }),
    ]),
  );
  assert.deepEqual((await ask({ name: "new.ex.test" })).answers, ["new.ex.test 9 A 192.0.2.5"]);
  assert.equal((await ask({})).rcode, "NXDOMAIN");
});

test("respond() forwards for allowed clients that ask for recursion, and caches", async () => {
  const { forwarder, asked } = fakeForwarder();
  const { ask, metrics } = setUp({ forwarder });
  assert.equal(summary(await ask({ name: "www.example.org" })), "NOERROR [rd ra] 1");
  assert.equal(summary(await ask({ name: "wWw.example.org" })), "NOERROR [rd ra] 1");
  assert.equal(summary(await ask({ name: "bad.example.org", ednsBytes: 1232 })), "SERVFAIL [rd ra] 0  EDE 22");
  assert.equal(summary(await ask({ name: "www.example.org", flags: 0, ednsBytes: 1232 })), "REFUSED [ra] 0  EDE 18");
  assert.equal(summary(await ask({ name: "localhost" })), "NOERROR [rd ra] 1");
  assert.equal(summary(await ask({ name: "a.invalid" })), "NXDOMAIN [rd ra] 0");
  assert.equal(summary(await ask({})), "NOERROR [aa rd ra] 1");
  assert.deepEqual(asked, ["www", "bad", "bad"]);
  const text = await metrics.registry.metrics();
  assert.match(text, /dns_replies_total\{transport="udp",source="cache",rcode="NOERROR"\} 1/);
  assert.match(text, /dns_forward_seconds_count 2/);
});

test("respond() refuses to forward for clients that are not allowed, with RA off", async () => {
  const { forwarder, asked } = fakeForwarder();
  const { ask } = setUp({ forwarder, mayForward: false });
  assert.equal(summary(await ask({ name: "www.example.org", ednsBytes: 1232 })), "REFUSED [rd] 0  EDE 18");
  assert.equal(summary(await ask({ name: "localhost" })), "REFUSED [rd] 0");
  assert.equal(summary(await ask({})), "NOERROR [aa rd] 1");
  assert.deepEqual(asked, []);
});

test("respond() completes a chain that leaves our zones, for those who may forward", async () => {
  const { forwarder, clock, asked } = fakeForwarder();
  const { ask } = setUp({ forwarder });
  const { answers } = await ask({ name: "out.ex.test" });
  assert.deepEqual(answers, ["out.ex.test 300 CNAME www.example.org", "www.example.org 60 A 192.0.2.77"]);
  clock.nowMs = 20_000;
  assert.equal((await ask({ name: "out.ex.test" })).answers[1], "www.example.org 40 A 192.0.2.77");
  assert.deepEqual(asked, ["www"]);
  assert.equal((await ask({ name: "out.ex.test", flags: 0 })).answers.length, 1);
  assert.equal((await setUp().ask({ name: "out.ex.test" })).answers.length, 1);
});

test("respond() answers SERVFAIL and logs when something breaks inside", async () => {
  const broken: Forwarder = {
    upstreams: [],
    usage: { cacheBytes: 0, cacheEntries: 0, inFlight: 0 },
    findCached: () => undefined,
    resolve: () => Promise.reject(new RangeError("no")),
  };
  assert.equal((await setUp({ forwarder: broken }).ask({ name: "www.example.org" })).rcode, "SERVFAIL");
  const throwing = {
    ...broken,
    findCached: () => {
      throw new RangeError("no");
    },
  };
  assert.equal((await setUp({ forwarder: throwing }).ask({ name: "www.example.org" })).rcode, "SERVFAIL");
});

test("respond() gives silence, or a readable reply with the same id, to any bytes", async () => {
  const { respond } = setUp({ forwarder: fakeForwarder().forwarder });
  const query = buildQuery({ ednsBytes: 1232 });
  const noise = uint8Array({ maxLength: 80 });
  const damaged = uint8Array({ minLength: query.length, maxLength: query.length, max: 8 }).map((flips) =>
    query.map((byte, index) => (flips[index] ?? 0) > 7 ? byte ^ 0x41 : byte)
  );
  const afterHeader = noise.map((tail) => Uint8Array.from([...query.subarray(0, 12), ...tail]));
  const messages = constantFrom(noise, damaged, afterHeader).chain((kind) => kind);
  await check(
    asyncProperty(messages, constantFrom<Transport>("udp", "tcp"), async (bytes, transport) => {
      const reply = await respond(bytes, transport);
      if (reply === undefined) return;
      assert.deepEqual([reply[0], reply[1]], [bytes[0], bytes[1]]);
      assert.ok(((reply[2] ?? 0) & 0x80) !== 0);
      assert.ok(transport === "tcp" || reply.length <= 1232);
      parseReply(reply);
      readReply(reply);
    }),
    { numRuns: 500 },
  );
});
