import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, integer, property } from "fast-check";
import { createInstanceHealth } from "./instance-health.ts";
import { createInstanceLoad } from "./instance-load.ts";
import { backendKey } from "./routes.ts";

const backends = ["a", "b", "c"].map((instance, index) => ({ instance, address: "127.0.0.1", port: 20_000 + index }));

test("pick() spreads evenly: no instance is more than one ahead", () => {
  check(property(integer({ min: 1, max: 200 }), (connections) => {
    const load = createInstanceLoad(() => {});
    for (let n = 0; n < connections; n += 1) load.enter(load.pick(backends)?.instance ?? "");
    const counts = backends.map(({ instance }) => load.count(instance));
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
  }));
});

test("pick() lets idle instances take turns, and passes over excluded ones", () => {
  const load = createInstanceLoad(() => {});
  const picked = new Set([1, 2, 3].map(() => load.pick(backends)?.instance));
  assert.equal(picked.size, 3);
  const excluded = new Set(backends.slice(1).map(backendKey));
  assert.equal(load.pick(backends, excluded)?.instance, "a");
  assert.equal(load.pick(backends, new Set(backends.map(backendKey))), undefined);
});

test("outside() counts what runs at instances that are not named", () => {
  check(property(array(integer({ min: 0, max: 2 }), { maxLength: 30 }), (visits) => {
    const load = createInstanceLoad(() => {});
    const leaves = visits.map((visit) => load.enter(backends[visit]?.instance ?? ""));
    const gone = visits.filter((visit) => visit > 0).length;
    const sum = Object.values(load.outside(new Set(["a"]))).reduce((total, count) => total + count, 0);
    assert.equal(sum, gone);
    for (const leave of [...leaves, ...leaves]) leave();
    assert.deepEqual(load.outside(new Set()), {});
  }));
});

test("pick() leaves a failed instance alone for a time that grows, and tries it with one connection", () => {
  let nowMs = 0;
  const load = createInstanceLoad(() => {}, createInstanceHealth(() => nowMs));
  const [first, second] = backends;
  assert.ok(first && second);
  const picks = () => new Set(Array.from({ length: 4 }, () => load.pick([first, second])?.instance));
  load.failed(first);
  assert.deepEqual([...picks()], ["b"]);
  assert.deepEqual(load.aside(), { [backendKey(first)]: 1_000 });
  nowMs = 1_000;
  const tries = Array.from({ length: 6 }, () => load.pick([first, second])?.instance);
  assert.equal(tries.filter((instance) => instance === "a").length, 1);
  load.failed(first);
  nowMs = 2_999;
  assert.deepEqual([...picks()], ["b"]);
  nowMs = 3_000;
  assert.equal(picks().size, 2);
  load.worked(first);
  assert.equal(picks().size, 2);
  assert.deepEqual(load.aside(), {});
});

test("pick() gives a failed instance all the same when there is no other", () => {
  const load = createInstanceLoad(() => {});
  const [first, second] = backends;
  assert.ok(first && second);
  for (const backend of [first, second]) load.failed(backend);
  assert.equal(load.pick([first])?.instance, "a");
  assert.equal(load.pick([first, second], new Set([backendKey(first)]))?.instance, "b");
});
