import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, integer, property } from "fast-check";
import { createBudget } from "./budget.ts";

test("createBudget() allows the burst, then so many per second", () => {
  const budget = createBudget({ burst: 3, perSecond: 2 });
  assert.deepEqual([1, 1, 1, 1].map((count) => budget.take(count, 0)), [true, true, true, false]);
  assert.equal(budget.take(1, 499), false);
  assert.equal(budget.take(1, 500), true);
  assert.equal(budget.take(1, 600), false);
  assert.equal(budget.take(3, 60_000), true);
  assert.equal(budget.take(1, 60_000), false);
});

test("createBudget() never gives more than burst and refill", () => {
  check(property(array(integer({ min: 0, max: 500 }), { minLength: 1 }), (steps) => {
    const budget = createBudget({ burst: 10, perSecond: 20 });
    let now = 0, taken = 0;
    for (const step of steps) {
      now += step;
      if (budget.take(1, now)) taken += 1;
      assert.ok(taken <= 10 + (now - (steps[0] ?? 0)) * 20 / 1000 + 1e-6);
    }
  }));
});
