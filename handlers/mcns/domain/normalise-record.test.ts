import assert from "node:assert/strict";
import { test } from "node:test";
import type { ZoneRecord } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { normaliseRecord } from "./normalise-record.ts";

function normalise(text: string): string {
  const [name = "", type = "", value = ""] = text.split(" ");
  const types: Record<string, ZoneRecord["type"]> = { A: "A", AAAA: "AAAA", CNAME: "CNAME", NS: "NS" };
  const record = normaliseRecord({ name, type: types[type] ?? "A", value, ttlSeconds: 60 }, "ex.test");
  return `${record.name} ${record.type} ${record.value}`;
}

test("normaliseRecord() writes equal records in one form", () => {
  const table: Record<string, string> = {
    "WWW.Ex.test. A 192.0.2.1": "www.ex.test A 192.0.2.1",
    "ex.test A 192.0.2.1": "ex.test A 192.0.2.1",
    "*.a.ex.test AAAA 2001:DB8:0:0::1": "*.a.ex.test AAAA 2001:db8::1",
    "_srv._tcp.ex.test CNAME Target.Example.": "_srv._tcp.ex.test CNAME target.example",
    "sub.ex.test NS ns.sub.ex.test": "sub.ex.test NS ns.sub.ex.test",
    "ex.test NS ns.example": "ex.test NS ns.example",
  };
  for (const [text, expected] of Object.entries(table)) assert.equal(normalise(text), expected, text);
});

test("normaliseRecord() refuses names outside the zone and values that the type cannot have", () => {
  const refused = [
    "www.other.test A 192.0.2.1",
    "badex.test A 192.0.2.1",
    "a..ex.test A 192.0.2.1",
    "-a.ex.test A 192.0.2.1",
    "a.*.ex.test A 192.0.2.1",
    "*x.ex.test A 192.0.2.1",
    "ä.ex.test A 192.0.2.1",
    `${"a".repeat(64)}.ex.test A 192.0.2.1`,
    `${"a.".repeat(124)}ex.test A 192.0.2.1`,
    "a.ex.test A 192.0.2",
    "a.ex.test A 2001:db8::1",
    "a.ex.test AAAA 192.0.2.1",
    "a.ex.test AAAA fe80::1%eth0",
    "a.ex.test CNAME not_ok-",
    "a.ex.test CNAME *.ex.test",
    "a.ex.test CNAME A.ex.test",
    "a.ex.test NS ",
    "ex.test CNAME a.ex.test",
  ];
  for (const text of refused) {
    assert.throws(
      () => normalise(text),
      (error: unknown) => error instanceof PlatformError && error.code === "invalid-request",
      text,
    );
  }
});
