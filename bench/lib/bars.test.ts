import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeBars } from "./bars.ts";

test("judgeBars() tells what is met, missed and not measured", () => {
  const result = { ours: { failed: 0, kilobytes: 41 }, ratios: { "nginx.rate": 1, "haproxy.rate": 0.94 } };
  const verdicts = judgeBars([
    { ratio: "nginx.rate", atLeast: 1 },
    { ratio: "haproxy.rate", atLeast: 0.95 },
    { ratio: "caddy.rate", atLeast: 1.8 },
    { ours: "failed", atMost: 0 },
    { ours: "kilobytes", atMost: 40 },
    { ours: "absent", atMost: 40 },
  ], result);
  assert.deepEqual(verdicts.map(({ verdict }) => verdict), [
    "met",
    "missed",
    "not measured",
    "met",
    "missed",
    "not measured",
  ]);
  assert.deepEqual(verdicts[1], { bar: "haproxy.rate ≥ 0.95", measured: 0.94, verdict: "missed" });
});

test("judgeBars() takes a figure that is not a number for not measured", () => {
  const [verdict] = judgeBars([{ ours: "p99Ms", atMost: 1 }], { ours: { p99Ms: NaN }, ratios: {} });
  assert.equal(verdict?.verdict, "not measured");
});
