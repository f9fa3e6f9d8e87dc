import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, property, record, uuid } from "fast-check";
import type { StoredRecord } from "#shared/contract/mcns.ts";
import { isSameZone, publishRecords } from "./publish-records.ts";

let count = 0;
function stored(text: string): StoredRecord {
  const [source = "", owner = "", name = "", type = "", value = ""] = text.split(" ");
  return {
    id: `r${count++}`,
    owner,
    source: source === "static" ? "static" : "derived",
    name,
    type: type === "CNAME" ? "CNAME" : "A",
    value,
    ttlSeconds: 60,
  };
}
const publish = (...texts: readonly string[]) =>
  publishRecords(texts.map(stored)).map(({ name, type, value }) => `${name} ${type} ${value}`);

test("publishRecords() lets an alias be alone: static before derived, then by owner", () => {
  assert.deepEqual(publish("derived mcp a A 1", "static admin a CNAME x"), ["a CNAME x"]);
  assert.deepEqual(publish("derived mcp a CNAME x", "static admin a A 1"), ["a A 1"]);
  assert.deepEqual(publish("derived b a CNAME x", "derived a a A 1", "derived c a A 2"), ["a A 1", "a A 2"]);
  assert.deepEqual(publish("derived mcp a A 2", "static admin a A 1", "derived mcp a A 1"), ["a A 1", "a A 2"]);
});

test("publishRecords() gives a valid zone in one order, whatever is stored and in whatever order", () => {
  const row = record({
    id: uuid(),
    source: constantFrom<StoredRecord["source"]>("static", "derived"),
    owner: constantFrom("a", "b"),
    name: constantFrom("n1", "n2"),
    type: constantFrom<StoredRecord["type"]>("A", "CNAME", "NS"),
    value: constantFrom("v1", "v2"),
    ttlSeconds: constantFrom(60),
  });
  check(property(array(row, { maxLength: 12 }), (rows) => {
    const published = publishRecords(rows);
    assert.ok(isSameZone(published, publishRecords(rows.toReversed())));
    for (const { name, type } of published) {
      const same = published.filter((other) => other.name === name);
      assert.ok(type !== "CNAME" || same.length === 1);
    }
    assert.ok(rows.every(({ name }) => published.some((other) => other.name === name)));
  }));
});

test("isSameZone() sees a changed TTL", () => {
  const records = publishRecords([stored("static admin a A 1")]);
  assert.ok(isSameZone(records, records.map((row) => ({ ...row }))));
  assert.ok(!isSameZone(records, records.map((row) => ({ ...row, ttlSeconds: 61 }))));
  assert.ok(!isSameZone(records, []));
});
