import assert from "node:assert/strict";
import { test } from "node:test";
import type { ZoneRecord } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { recordTypes } from "../wire/codes.ts";
import { nameFromText, toNameKey } from "../wire/name.ts";
import { exampleZoneState } from "../testing/example-zone.ts";
import { compileZone } from "./compile-zone.ts";

const compile = (...records: readonly ZoneRecord[]) => compileZone(exampleZoneState({ records: [...records] }));
const record = (name: string, type: ZoneRecord["type"], value: string, ttlSeconds = 60) => ({
  name,
  type,
  value,
  ttlSeconds,
});
const nodeOf = (zone: ReturnType<typeof compileZone>["zone"], name: string) =>
  zone.nodes.get(toNameKey(nameFromText(name)));

test("compileZone() gives an RRset one TTL and no duplicates (RFC 2181 §5)", () => {
  const { zone } = compile(
    record("a.ex.test", "A", "192.0.2.1", 300),
    record("A.ex.test", "A", "192.0.2.2", 30),
    record("a.ex.test", "A", "192.0.2.1", 60),
  );
  assert.deepEqual(nodeOf(zone, "a.ex.test")?.get(recordTypes.A)?.map(({ ttlSeconds }) => ttlSeconds), [30, 30]);
});

test("compileZone() leaves out and names what cannot be served", () => {
  const { zone, problems } = compile(
    record("a.ex.test", "A", "192.0.2.1"),
    record("a.ex.test", "CNAME", "b.ex.test"),
    record("c.ex.test", "CNAME", "a.ex.test"),
    record("c.ex.test", "CNAME", "b.ex.test"),
    record("c.ex.test", "A", "192.0.2.1"),
    record("ex.test", "CNAME", "a.ex.test"),
    record("other.test", "A", "192.0.2.1"),
    record("d.ex.test", "A", "2001:db8::1"),
    record("d.ex.test", "AAAA", "fe80::1%eth0"),
    record("d..ex.test", "A", "192.0.2.1"),
  );
  assert.equal(problems.length, 8);
  assert.deepEqual([...zone.nodes.keys()].length, 3);
});

test("compileZone() uses NS records of the apex, or else the primary server", () => {
  const count = (zone: ReturnType<typeof compileZone>["zone"]) => nodeOf(zone, "ex.test")?.get(recordTypes.NS)?.length;
  assert.equal(count(compile().zone), 1);
  const { zone } = compile(record("ex.test", "NS", "a.example"), record("ex.test", "NS", "b.example"));
  assert.equal(count(zone), 2);
  assert.equal(zone.hasDelegations, false);
});

test("compileZone() refuses a zone whose names cannot be written", () => {
  assert.throws(
    () => compileZone(exampleZoneState({ adminMailbox: "a..b" })),
    (error: unknown) => error instanceof PlatformError && error.code === "invalid-request",
  );
});
