import assert from "node:assert/strict";
import { test } from "node:test";
import { mcnsContract } from "#shared/contract/mcns.ts";
import type { ZoneRecord } from "#shared/contract/state.ts";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { decodeFrames } from "#shared/wire/cbor.ts";
import { maxZones } from "./create-zone.ts";
import { type McnsClient, startTestMcns, type TestCaller } from "./testing/test-mcns.ts";

const zone = "ex.test";
const inZone = { params: { zone } };
const newZone = { name: "new.test", primaryServer: "ns1.new.test", adminMailbox: "hostmaster.new.test" };
const a = (name: string, value = "192.0.2.1", ttlSeconds = 60): ZoneRecord => ({ name, type: "A", value, ttlSeconds });
const cname = (name: string, value: string): ZoneRecord => ({ name, type: "CNAME", value, ttlSeconds: 60 });
const derive = (client: McnsClient, ...records: ZoneRecord[]) =>
  client.putDerived({ params: { zone, owner: "mcp" }, body: { records } });

async function refusal(call: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PlatformError);
    return error.code;
  }
}

test("every endpoint lets in whom the contract says, and nobody else", async () => {
  await using mcns = await startTestMcns();
  const calls: Record<string, (client: McnsClient) => Promise<unknown>> = {
    listZones: (client) => client.listZones({}),
    createZone: (client) => client.createZone({ body: { ...newZone, name: "ex.test" } }),
    deleteZone: (client) => client.deleteZone({ params: { zone: "none.test" } }),
    listRecords: (client) => client.listRecords(inZone),
    createRecord: (client) => client.createRecord({ ...inZone, body: a("www.other.test") }),
    deleteRecord: (client) => client.deleteRecord({ params: { zone, id: "none" } }),
    putDerived: (client) => derive(client),
    zoneFeed: (client) => client.zoneFeed({ query: {} }).then((response) => response.body?.cancel()),
    zoneStream: (client) => client.zoneStream({ query: {} }).then((response) => response.body?.cancel()),
    listAudit: (client) => client.listAudit({ query: {} }),
  };
  assert.deepEqual(Object.keys(calls).sort(), Object.keys(mcnsContract).sort());
  const everybody: readonly TestCaller[] = ["admin", "user", "guest", "node", "mcp", "other-system"];
  const allowed: Record<string, readonly TestCaller[]> = {
    listZones: everybody,
    listRecords: everybody,
    createZone: ["admin"],
    deleteZone: ["admin"],
    createRecord: ["admin"],
    deleteRecord: ["admin"],
    listAudit: ["admin"],
    putDerived: ["mcp"],
    zoneFeed: ["admin", "node", "mcp", "other-system"],
    zoneStream: ["admin", "node", "mcp", "other-system"],
  };
  for (const [name, call] of Object.entries(calls)) {
    assert.equal(await refusal(call(mcns.as())), "unauthenticated", name);
    assert.equal(await refusal(call(mcns.as("stranger"))), "unauthenticated", name);
    assert.equal(await refusal(call(mcns.as("elsewhere"))), "forbidden", name);
    for (const caller of everybody) {
      const isDenied = await refusal(call(mcns.as(caller))) === "forbidden";
      assert.equal(isDenied, !allowed[name]?.includes(caller), `${name} as ${caller}`);
    }
  }
});

test("createZone() sends an empty zone to the name servers, once", async () => {
  await using mcns = await startTestMcns();
  const admin = mcns.as("admin");
  const created = await admin.createZone({ body: newZone });
  assert.deepEqual(created, {
    ...newZone,
    serial: 1_795_500_000,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 1_209_600,
    minimumSeconds: 30,
  });
  assert.deepEqual(await mcns.published("new.test"), { ...created, records: [] });
  assert.equal(await refusal(admin.createZone({ body: newZone })), "conflict");
  assert.equal(await refusal(admin.createZone({ body: { ...newZone, name: "Bad_Name" } })), "invalid-request");
  assert.deepEqual((await admin.listZones({})).zones.map(({ name }) => name), ["ex.test", "new.test"]);
});

test("createZone() stops at its limit", async () => {
  await using mcns = await startTestMcns();
  await mcns.database.transaction(async (tx) => {
    for (let index = 1; index < maxZones; index++) {
      await tx.run("INSERT INTO zone VALUES (?, 'a', 'b', 1, 1, 1, 1)", [`z${index}.test`]);
      await tx.run("INSERT INTO zone_serial VALUES (?, 1)", [`z${index}.test`]);
    }
  });
  assert.equal(await refusal(mcns.as("admin").createZone({ body: newZone })), "conflict");
});

test("deleteZone() takes the zone and its records away, and a later one goes on from its serial", async () => {
  await using mcns = await startTestMcns();
  const admin = mcns.as("admin");
  await admin.createRecord({ ...inZone, body: a("www.ex.test") });
  const before = await mcns.published(zone);
  await admin.deleteZone(inZone);
  assert.equal(await mcns.published(zone), undefined);
  assert.equal(await refusal(admin.deleteZone(inZone)), "not-found");
  assert.equal(await refusal(admin.listRecords(inZone)), "not-found");
  const again = await admin.createZone({ body: { ...newZone, name: zone } });
  assert.ok(again.serial > (before?.serial ?? Infinity));
  assert.deepEqual((await admin.listRecords(inZone)).records, []);
});

test("createRecord() stores the record in its one form and sends the zone with a newer serial", async () => {
  await using mcns = await startTestMcns();
  const before = await mcns.published(zone);
  const created = await mcns.as("admin").createRecord({
    ...inZone,
    body: { ...a("WWW.ex.test.", "2001:DB8::0:1"), type: "AAAA" },
  });
  assert.deepEqual({ ...created, id: "x" }, {
    id: "x",
    name: "www.ex.test",
    type: "AAAA",
    value: "2001:db8::1",
    ttlSeconds: 60,
    owner: "admin",
    source: "static",
  });
  const after = await mcns.published(zone);
  assert.deepEqual(after?.records, [{ name: "www.ex.test", type: "AAAA", value: "2001:db8::1", ttlSeconds: 60 }]);
  assert.ok((after?.serial ?? 0) > (before?.serial ?? Infinity));
  assert.deepEqual((await mcns.as("guest").listRecords({ ...inZone, query: { name: "www.ex.test" } })).records, [
    created,
  ]);
  assert.deepEqual((await mcns.as("guest").listRecords({ ...inZone, query: { name: "no.ex.test" } })).records, []);
});

test("createRecord() refuses what the zone cannot have", async () => {
  await using mcns = await startTestMcns();
  const admin = mcns.as("admin");
  await admin.createZone({ body: { ...newZone, name: "inner.ex.test" } });
  await admin.createRecord({ ...inZone, body: a("www.ex.test") });
  await admin.createRecord({ ...inZone, body: cname("alias.ex.test", "www.ex.test") });
  await derive(mcns.as("mcp"), a("derived.ex.test"));
  const create = (record: ZoneRecord, name = zone) =>
    refusal(admin.createRecord({ params: { zone: name }, body: record }));
  const revision = await mcns.revision();
  const table: readonly (readonly [what: string, call: Promise<ErrorCode | undefined>, code: ErrorCode])[] = [
    ["a zone that is not there", create(a("www.none.test"), "none.test"), "not-found"],
    ["a name outside the zone", create(a("www.other.test")), "invalid-request"],
    ["a name of an inner zone", create(a("www.inner.ex.test")), "invalid-request"],
    ["the apex of an inner zone", create(a("inner.ex.test")), "invalid-request"],
    ["a bad address", create(a("x.ex.test", "192.0.2")), "invalid-request"],
    ["a TTL above a day", create(a("x.ex.test", "192.0.2.1", 86_401)), "invalid-request"],
    ["an alias at the apex", create(cname("ex.test", "www.ex.test")), "invalid-request"],
    ["the same record", create(a("WWW.ex.test")), "conflict"],
    ["an alias beside an address", create(cname("www.ex.test", "x.ex.test")), "conflict"],
    ["an address beside an alias", create(a("alias.ex.test")), "conflict"],
    ["a second alias", create(cname("alias.ex.test", "x.ex.test")), "conflict"],
    ["an alias beside a derived address", create(cname("derived.ex.test", "x.ex.test")), "conflict"],
  ];
  for (const [what, call, code] of table) assert.equal(await call, code, what);
  assert.equal(await mcns.revision(), revision);
});

test("deleteRecord() removes static records only", async () => {
  await using mcns = await startTestMcns();
  const admin = mcns.as("admin");
  const created = await admin.createRecord({ ...inZone, body: a("www.ex.test") });
  await derive(mcns.as("mcp"), a("derived.ex.test"));
  const derived = (await admin.listRecords(inZone)).records.find(({ source }) => source === "derived");
  assert.equal(await refusal(admin.deleteRecord({ params: { zone, id: derived?.id ?? "" } })), "conflict");
  await admin.deleteRecord({ params: { zone, id: created.id } });
  assert.equal(await refusal(admin.deleteRecord({ params: { zone, id: created.id } })), "not-found");
  assert.deepEqual((await mcns.published(zone))?.records.map(({ name }) => name), ["derived.ex.test"]);
});

test("putDerived() changes only the rows that differ, and nothing when they are equal", async () => {
  await using mcns = await startTestMcns();
  const system = mcns.as("mcp");
  const ids = async () =>
    Object.fromEntries((await system.listRecords(inZone)).records.map(({ name, id }) => [name, id]));
  const first = await derive(system, a("one.ex.test"), a("two.ex.test"), a("two.ex.test"));
  assert.equal(first.changed, true);
  const before = await ids();
  const revision = await mcns.revision();
  assert.deepEqual(await derive(system, a("two.ex.test"), a("ONE.ex.test")), { changed: false, serial: first.serial });
  assert.equal(await mcns.revision(), revision);
  const second = await derive(system, a("one.ex.test"), a("two.ex.test", "192.0.2.1", 30), a("three.ex.test"));
  assert.ok(second.changed && second.serial > first.serial);
  const after = await ids();
  assert.equal(after["one.ex.test"], before["one.ex.test"]);
  assert.notEqual(after["two.ex.test"], before["two.ex.test"]);
  assert.deepEqual(Object.keys(after).sort(), ["one.ex.test", "three.ex.test", "two.ex.test"]);
  await derive(system);
  assert.deepEqual((await mcns.published(zone))?.records, []);
});

test("putDerived() leaves other owners and static records alone", async () => {
  await using mcns = await startTestMcns();
  await mcns.as("admin").createRecord({ ...inZone, body: a("www.ex.test") });
  await mcns.as("other-system").putDerived({
    params: { zone, owner: "other-system" },
    body: { records: [a("other.ex.test")] },
  });
  await derive(mcns.as("mcp"), a("mine.ex.test"));
  await derive(mcns.as("mcp"));
  assert.deepEqual((await mcns.published(zone))?.records.map(({ name }) => name), ["other.ex.test", "www.ex.test"]);
});

test("putDerived() cannot push a static alias aside, and says when nothing visible changed", async () => {
  await using mcns = await startTestMcns();
  await mcns.as("admin").createRecord({ ...inZone, body: cname("alias.ex.test", "www.ex.test") });
  const before = await mcns.published(zone);
  assert.deepEqual(await derive(mcns.as("mcp"), a("alias.ex.test")), { changed: false, serial: before?.serial });
  assert.deepEqual((await mcns.published(zone))?.records, before?.records);
  await derive(mcns.as("mcp"), a("alias.ex.test"), a("next.ex.test"));
  assert.deepEqual((await mcns.published(zone))?.records.map(({ name, type }) => `${name} ${type}`), [
    "alias.ex.test CNAME",
    "next.ex.test A",
  ]);
});

test("putDerived() refuses foreign owners, unknown zones and impossible records", async () => {
  await using mcns = await startTestMcns();
  const system = mcns.as("mcp");
  const put = (params: { zone: string; owner: string }, ...records: ZoneRecord[]) =>
    refusal(system.putDerived({ params, body: { records } }));
  assert.equal(await put({ zone, owner: "other-system" }), "forbidden");
  assert.equal(await put({ zone: "none.test", owner: "mcp" }), "not-found");
  assert.equal(await put({ zone, owner: "mcp" }, a("www.other.test")), "invalid-request");
  assert.equal(await put({ zone, owner: "mcp" }, a("www.ex.test"), cname("www.ex.test", "x.ex.test")), "conflict");
  assert.equal(
    await put({ zone, owner: "mcp" }, ...Array.from({ length: 20_001 }, () => a("a.ex.test"))),
    "invalid-request",
  );
});

test(
  "putDerived() takes 20,000 records at a time, and changeZone() stops at the zone's limit",
  { timeout: 120_000 },
  async () => {
    await using mcns = await startTestMcns();
    const many = Array.from({ length: 20_000 }, (_, index) => a(`n${index}.ex.test`));
    assert.equal((await derive(mcns.as("mcp"), ...many)).changed, true);
    await mcns.database.run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80000)
     INSERT INTO record SELECT 'x' || i, 'ex.test', 'x' || i || '.ex.test', 'A', '192.0.2.1', 60, 'admin', 'static' FROM n`,
    );
    assert.equal(await refusal(mcns.as("admin").createRecord({ ...inZone, body: a("one-more.ex.test") })), "conflict");
  },
);

test("changes of many at once each get a serial of their own", async () => {
  await using mcns = await startTestMcns();
  const admin = mcns.as("admin");
  const before = (await mcns.published(zone))?.serial ?? 0;
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => admin.createRecord({ ...inZone, body: a(`n${index}.ex.test`) })),
  );
  const after = await mcns.published(zone);
  assert.deepEqual([after?.serial, after?.records.length], [before + 20, 20]);
});

test("zoneFeed() and zoneStream() give the zones, and the stream each change", { timeout: 20_000 }, async () => {
  await using mcns = await startTestMcns();
  const poll = await mcns.as("node").zoneFeed({ query: {}, headers: { accept: "application/json" } });
  const frame: unknown = await poll.json();
  assert.ok(typeof frame === "object" && frame !== null && "kind" in frame && frame.kind === "snapshot");
  const stream = await mcns.as("node").zoneStream({ query: { since: 0 } });
  assert.ok(stream.body !== null);
  const frames = decodeFrames(stream.body);
  await frames.next();
  await mcns.as("admin").createRecord({ ...inZone, body: a("www.ex.test") });
  const delta: unknown = (await frames.next()).value;
  assert.ok(typeof delta === "object" && delta !== null && "kind" in delta && delta.kind === "delta");
  await frames.return(undefined);
});

test("every change and every denial is in the audit log", async () => {
  await using mcns = await startTestMcns();
  const admin = mcns.as("admin");
  await admin.createRecord({ ...inZone, body: a("www.ex.test") });
  await refusal(mcns.as("user").createRecord({ ...inZone, body: a("no.ex.test") }));
  await refusal(admin.createRecord({ ...inZone, body: a("www.ex.test") }));
  await refusal(mcns.as("mcp").putDerived({ params: { zone, owner: "other-system" }, body: { records: [] } }));
  const { events } = await admin.listAudit({ query: { limit: 10 } });
  const lines = events.map(({ actor, action, resource, outcome, code }) =>
    [actor, action, resource, outcome, code].join(" | ")
  );
  assert.deepEqual(lines, [
    "mcp | record.derive | ex.test derived by other-system | denied | forbidden",
    "admin | record.create | www.ex.test A 192.0.2.1 | failed | conflict",
    "user | record.create | /v1/zones/ex.test/records | denied | forbidden",
    "admin | record.create | www.ex.test A 192.0.2.1 | allowed | ",
    "bootstrap | zone.create | ex.test | allowed | ",
  ]);
  assert.equal(
    (await admin.listAudit({ query: { limit: 1, before: events[0]?.id ?? 0 } })).events[0]?.code,
    "conflict",
  );
});
