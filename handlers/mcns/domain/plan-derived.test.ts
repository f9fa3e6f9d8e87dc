import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, integer, property, record } from "fast-check";
import type { StoredRecord } from "#shared/contract/mcns.ts";
import type { ZoneRecord } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { planDerived } from "./plan-derived.ts";

const wantedRow = record({
  name: constantFrom("a", "b", "c"),
  type: constantFrom<ZoneRecord["type"]>("A", "AAAA"),
  value: constantFrom("1", "2"),
  ttlSeconds: integer({ min: 1, max: 2 }),
});
const toStored = (row: ZoneRecord, index: number): StoredRecord => ({
  ...row,
  id: `r${index}`,
  owner: "mcp",
  source: "derived",
});
const distinct = (
  rows: readonly ZoneRecord[],
) => [...new Map(rows.map((row) => [`${row.name} ${row.type} ${row.value}`, row])).values()];
const asText = (rows: readonly ZoneRecord[]) =>
  rows.map(({ name, type, value, ttlSeconds }) => `${name} ${type} ${value} ${ttlSeconds}`).sort();

test("planDerived() leads from any state to the wanted one, and then has nothing to do", () => {
  check(property(array(wantedRow), array(wantedRow), (before, wanted) => {
    const current = distinct(before).map(toStored);
    const { added, removed } = planDerived(current, wanted);
    const after = [...current.filter((row) => !removed.includes(row)), ...added];
    assert.deepEqual(asText(after), asText(distinct(wanted)));
    assert.ok(
      removed.every((row) => !asText(distinct(wanted)).includes(asText([row])[0] ?? "")),
      "rows that stay are not touched",
    );
    assert.deepEqual(planDerived(after.map(toStored), wanted), { added: [], removed: [] });
  }));
});

test("planDerived() refuses an alias beside other records of its name", () => {
  const row = (type: ZoneRecord["type"], value: string): ZoneRecord => ({ name: "a", type, value, ttlSeconds: 60 });
  for (
    const wanted of [[row("CNAME", "x"), row("A", "1")], [row("A", "1"), row("CNAME", "x")], [
      row("CNAME", "x"),
      row("CNAME", "y"),
    ]]
  ) {
    assert.throws(
      () => planDerived([], wanted),
      (error: unknown) => error instanceof PlatformError && error.code === "conflict",
    );
  }
});
