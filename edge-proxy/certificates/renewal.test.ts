import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, double, integer, property } from "fast-check";
import { daysToWarnOf, renewalTime } from "./renewal.ts";

const dayMs = 86_400_000;
const life = (days: number) => ({ notBefore: new Date(0), notAfter: new Date(days * dayMs) });

test("renewalTime() is at two thirds of the life, less up to a tenth", () => {
  assert.equal(renewalTime(life(90), 0), 60 * dayMs);
  check(property(integer({ min: 1, max: 1_000 }), double({ min: 0, max: 0.999, noNaN: true }), (days, random) => {
    const share = renewalTime(life(days), random) / (days * dayMs);
    assert.ok(share > 2 / 3 - 0.1 - 1e-9 && share <= 2 / 3 + 1e-9, `${share}`);
  }));
});

test("daysToWarnOf() names the threshold that was passed last, for lives that are longer than it", () => {
  const at = (days: number, now: number) => daysToWarnOf(life(days), new Date(now * dayMs));
  assert.deepEqual([59, 60, 75.9, 76, 87, 89].map((now) => at(90, now)), [undefined, 30, 30, 14, 3, 3]);
  assert.deepEqual([0, 3, 4].map((now) => at(7, now)), [undefined, undefined, 3]);
  assert.equal(at(2, 1.9), undefined);
});
