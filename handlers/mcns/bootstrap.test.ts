import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { startTestMcns } from "./testing/test-mcns.ts";

const ns1 = (value: string, ttlSeconds = 300) => ({ name: "ns1.ex.test", type: "A" as const, value, ttlSeconds });

test("ensureZone() is idempotent and keeps what is there", async () => {
  await using mcns = await startTestMcns();
  const revision = await mcns.revision();
  const again = await mcns.mcns.ensureZone({ name: "ex.test", primaryServer: "other.test", adminMailbox: "x.test" });
  assert.equal(again.primaryServer, "ns1.ex.test");
  assert.equal(await mcns.revision(), revision);
});

test("ensureStaticRecord() is idempotent, follows a new address, and keeps what admins set", async () => {
  await using mcns = await startTestMcns();
  const values = async () =>
    (await mcns.published("ex.test"))?.records.map(({ value, ttlSeconds }) => `${value} ${ttlSeconds}`);
  await mcns.mcns.ensureStaticRecord("ex.test", ns1("192.0.2.1"));
  const revision = await mcns.revision();
  await mcns.mcns.ensureStaticRecord("ex.test", ns1("192.0.2.1"));
  assert.equal(await mcns.revision(), revision);
  await mcns.as("admin").createRecord({ params: { zone: "ex.test" }, body: ns1("192.0.2.7") });
  await mcns.mcns.ensureStaticRecord("ex.test", ns1("192.0.2.2"));
  assert.deepEqual(await values(), ["192.0.2.2 300", "192.0.2.7 300"]);
  await mcns.mcns.ensureStaticRecord("ex.test", ns1("192.0.2.2", 60));
  assert.deepEqual(await values(), ["192.0.2.2 60", "192.0.2.7 300"]);
  await mcns.mcns.ensureStaticRecord("ex.test", ns1("192.0.2.7"));
  assert.deepEqual(await values(), ["192.0.2.7 300"]);
});

test("ensureStaticRecord() refuses unknown zones and bad records", async () => {
  await using mcns = await startTestMcns();
  const code = (expected: string) => (error: unknown) => error instanceof PlatformError && error.code === expected;
  await assert.rejects(
    mcns.mcns.ensureStaticRecord("none.test", { ...ns1("192.0.2.1"), name: "ns1.none.test" }),
    code("not-found"),
  );
  await assert.rejects(mcns.mcns.ensureStaticRecord("ex.test", ns1("somewhere")), code("invalid-request"));
});
