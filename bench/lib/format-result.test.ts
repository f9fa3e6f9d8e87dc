import assert from "node:assert/strict";
import { test } from "node:test";
import { formatResult } from "./format-result.ts";

test("formatResult() shows ours, peers, ratios with their spread, and bars", () => {
  const text = formatResult({
    bench: "b",
    unit: "1/s",
    ours: { rate: 200, failed: 0 },
    peers: { nginx: { rate: 100 } },
    ratios: { "nginx.rate": 2 },
    spreads: { "nginx.rate": [1.5, 2.5] },
    ceiling: { rate: 900 },
    run: { rounds: 3 },
    bars: [
      { bar: "nginx.rate ≥ 1", measured: 2, verdict: "met" },
      { bar: "caddy.rate ≥ 1", measured: null, verdict: "not measured" },
    ],
  });
  assert.deepEqual(text.split("\n"), [
    "b (1/s)  ours  nginx        ratio",
    "rate      200    100  2 (1.5–2.5)",
    "failed      0                    ",
    "without a proxy: rate 900",
    "run: rounds 3",
    "bar: nginx.rate ≥ 1: met (2)",
    "bar: caddy.rate ≥ 1: not measured (–)",
    "",
  ]);
});

test("formatResult() does with ours alone", () => {
  assert.equal(
    formatResult({ bench: "b", unit: "ms", ours: { p50: 1 }, peers: {}, ratios: {} }),
    "b (ms)  ours\np50        1\n",
  );
});
