import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, double, integer, property } from "fast-check";
import { median, pairedRatios, percentile, runPaired, toComparison, toThreeDigits, trendOf } from "./result.ts";

test("percentile() interpolates and refuses an empty list", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([1, 2]), 1.5);
  assert.equal(percentile([0, 10], 90), 9);
  assert.throws(() => median([]), RangeError);
});

test("trendOf() gives the rise of a line, whatever lies around it", () => {
  assert.equal(trendOf([10, 20, 30]), 20);
  assert.equal(trendOf([5, 5, 5, 5]), 0);
  assert.ok(Math.abs(trendOf([100, 101, 100, 101, 100, 101])) < 1);
  assert.throws(() => trendOf([1]), RangeError);
  const slopes = double({ min: -100, max: 100, noNaN: true });
  check(property(slopes, integer({ min: 2, max: 50 }), (slope, count) => {
    const line = Array.from({ length: count }, (_, index) => 7 + slope * index);
    assert.ok(Math.abs(trendOf(line) - slope * (count - 1)) < 1e-6);
  }));
});

test("runPaired() alternates, turns round and drops the first round", async () => {
  const order: string[] = [];
  const contender = (name: string) => ({ name, run: async () => order.push(name) });
  const figures = await runPaired([contender("ours"), contender("peer")], 2);
  assert.deepEqual(order, ["ours", "peer", "peer", "ours", "ours", "peer"]);
  assert.deepEqual(figures.get("ours"), [4, 5]);
});

test("pairedRatios() are above 1 where ours is better", () => {
  assert.deepEqual(pairedRatios([200, 100], [100, 50], "higher"), [2, 2]);
  assert.deepEqual(pairedRatios([200, 100], [100, 50], "lower"), [0.5, 0.5]);
});

test("toComparison() gives medians, and one ratio with its spread for each peer and metric", () => {
  const rounds = new Map([
    ["ours", [{ rate: 100, cpu: 2, busy: 90 }, { rate: 300, cpu: 2, busy: 91 }, { rate: 200, cpu: 2, busy: 92 }]],
    ["peer", [{ rate: 50, cpu: 1, busy: 80 }, { rate: 100, cpu: 1, busy: 81 }, { rate: 200, cpu: 1, busy: 82 }]],
  ]);
  assert.deepEqual(toComparison(rounds, { rate: "higher", cpu: "lower", busy: "information" }), {
    ours: { rate: 200, cpu: 2, busy: 91 },
    peers: { peer: { rate: 100, cpu: 1, busy: 81 } },
    ratios: { "peer.rate": 2, "peer.cpu": 0.5 },
    spreads: { "peer.rate": [1, 3], "peer.cpu": [0.5, 0.5] },
  });
});

test("toThreeDigits() rounds to what a reader needs", () => {
  assert.equal(toThreeDigits(1234.5), 1235);
  assert.equal(toThreeDigits(12.345), 12.3);
  assert.equal(toThreeDigits(-1234.4), -1234);
});
