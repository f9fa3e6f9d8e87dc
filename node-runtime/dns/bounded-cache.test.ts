import assert from "node:assert/strict";
import { test } from "node:test";
import { createBoundedCache } from "./bounded-cache.ts";

test("createBoundedCache() forgets what was used longest ago when its bytes exceed the bound", () => {
  const cache = createBoundedCache<number>(3 * 251);
  for (const key of ["a", "b", "c"]) cache.set(key, 1, 100);
  assert.equal(cache.sizeBytes, 3 * 251);
  cache.get("a");
  cache.set("d", 1, 100);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => cache.get(key) !== undefined), [true, false, true, true]);
  assert.equal(cache.count, 3);
});

test("createBoundedCache() does not store what is above its bound, and replaces by key", () => {
  const cache = createBoundedCache<number>(1_000);
  cache.set("a", 1, 10);
  cache.set("a", 2, 20);
  cache.set("b", 3, 1_000);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.sizeBytes], [2, undefined, 171]);
  cache.clear();
  assert.deepEqual([cache.count, cache.sizeBytes], [0, 0]);
});
