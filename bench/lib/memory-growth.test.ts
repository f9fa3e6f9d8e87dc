import assert from "node:assert/strict";
import { test } from "node:test";
import { growthOf } from "./memory-growth.ts";

test("growthOf() sees a leak", () => {
  assert.deepEqual(growthOf([100, 110, 120]), { warmMegabytes: 100, growthMegabytes: 20, growthPercent: 20 });
});

test("growthOf() does not take garbage that comes and goes for a leak", () => {
  const { growthPercent } = growthOf([100, 106, 100, 107, 101, 106, 100, 105, 100]);
  assert.ok(Math.abs(growthPercent) < 2, `${growthPercent}`);
});
