import assert from "node:assert/strict";
import { test } from "node:test";
import { median, pairedRatio, percentile, runPaired, toComparison } from "./result.ts";

test("percentile() interpolates and refuses an empty list", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([1, 2]), 1.5);
  assert.equal(percentile([0, 10], 90), 9);
  assert.throws(() => median([]), RangeError);
});

test("runPaired() alternates and drops the first round", async () => {
  const order: string[] = [];
  const contender = (name: string) => ({ name, run: async () => order.push(name) });
  const figures = await runPaired([contender("ours"), contender("peer")], 2);
  assert.deepEqual(order, ["ours", "peer", "ours", "peer", "ours", "peer"]);
  assert.deepEqual(figures.get("ours"), [3, 5]);
});

test("pairedRatio() is above 1 where ours is better", () => {
  assert.equal(pairedRatio([200, 100], [100, 50], true), 2);
  assert.equal(pairedRatio([200, 100], [100, 50], false), 0.5);
});

test("toComparison() gives medians, and one ratio for each peer and metric", () => {
  const rounds = new Map([
    ["ours", [{ rate: 100, cpu: 2 }, { rate: 300, cpu: 2 }, { rate: 200, cpu: 2 }]],
    ["peer", [{ rate: 50, cpu: 1 }, { rate: 150, cpu: 1 }, { rate: 100, cpu: 1 }]],
  ]);
  assert.deepEqual(toComparison(rounds, { rate: true, cpu: false }), {
    ours: { rate: 200, cpu: 2 },
    peers: { peer: { rate: 100, cpu: 1 } },
    ratios: { "peer.rate": 2, "peer.cpu": 0.5 },
  });
});
