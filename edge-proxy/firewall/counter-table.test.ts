import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { array, assert as check, constantFrom, integer, property, tuple } from "fast-check";
import { z } from "zod";
import { attachCounterTable, createCounterBuffer, createCounterTable } from "./counter-table.ts";

const key = (address: string, scope = 0) => ({ address, scope });
const tenPerSecond = { count: 10, windowMs: 1000 };
const noBound = { perAddress: 1_000_000, total: 1_000_000 };

function takeAll(counters: ReturnType<typeof createCounterTable>, address: string, nowMs: number): number {
  let taken = 0;
  while (taken < 1000 && counters.take(key(address), tenPerSecond, nowMs) === 0) taken++;
  return taken;
}

test("LIM7: take() gives the limit within one window and nothing above it", () => {
  const counters = createCounterTable(64);
  assert.equal(takeAll(counters, "192.0.2.1", 5000), 10);
  assert.equal(takeAll(counters, "192.0.2.1", 5999), 0);
  assert.equal(takeAll(counters, "192.0.2.2", 5000), 10);
});

test("LIM7: take() lets the last window slide out of view", () => {
  const counters = createCounterTable(64);
  takeAll(counters, "192.0.2.1", 5000);
  assert.equal(takeAll(counters, "192.0.2.1", 6000), 0);
  assert.equal(takeAll(counters, "192.0.2.1", 6500), 5);
  assert.equal(takeAll(counters, "192.0.2.1", 9000), 10);
});

test("LIM7: take() names a time at which one event is free, not long before it is", () => {
  const events = array(tuple(integer({ min: 0, max: 400 }), integer({ min: 1, max: 3 })), {
    minLength: 1,
    maxLength: 60,
  });
  check(property(events, integer({ min: 1, max: 12 }), (steps, count) => {
    const counters = createCounterTable(8);
    const limit = { count, windowMs: 1000 };
    let nowMs = 1_700_000_000_000;
    for (const [stepMs] of steps) {
      nowMs += stepMs;
      const waitMs = counters.take(key("192.0.2.1"), limit, nowMs);
      if (waitMs === 0) continue;
      assert.ok(waitMs <= 2000);
      nowMs += waitMs + 1;
      assert.equal(counters.take(key("192.0.2.1"), limit, nowMs), 0);
    }
  }));
});

test("LIM7: take() never gives more than twice the limit in any window, and never less than it in a quiet one", () => {
  check(
    property(array(integer({ min: 0, max: 300 }), { maxLength: 200 }), integer({ min: 1, max: 20 }), (steps, count) => {
      const counters = createCounterTable(8);
      const taken: number[] = [];
      let nowMs = 1_700_000_000_123;
      for (const stepMs of steps) {
        nowMs += stepMs;
        if (counters.take(key("192.0.2.1"), { count, windowMs: 1000 }, nowMs) === 0) taken.push(nowMs);
        assert.ok(taken.filter((at) => at > nowMs - 1000).length <= 2 * count);
      }
      if (steps.length > 0) assert.ok(taken.length >= 1);
    }),
  );
});

test("LIM7: take() counts an IPv6 /64 as one client, and an IPv4-mapped address as IPv4", () => {
  const counters = createCounterTable(64);
  assert.equal(takeAll(counters, "2001:db8:0:1::1", 5000), 10);
  assert.equal(takeAll(counters, "2001:db8:0:1:ffff::2", 5000), 0);
  assert.equal(takeAll(counters, "2001:db8:0:2::1", 5000), 10);
  assert.equal(takeAll(counters, "192.0.2.1", 5000), 10);
  assert.equal(takeAll(counters, "::ffff:192.0.2.1", 5000), 0);
});

test("LIM7: take() counts each scope by itself", () => {
  const counters = createCounterTable(64);
  const once1 = { count: 1, windowMs: 1000 };
  assert.equal(counters.take(key("192.0.2.1", 1), once1, 5000), 0);
  assert.notEqual(counters.take(key("192.0.2.1", 1), once1, 5000), 0);
  assert.equal(counters.take(key("192.0.2.1", 2), once1, 5000), 0);
});

test("LIM7: a table forgets who was away longest, never who is connected", () => {
  const counters = createCounterTable(8);
  const connected = counters.open(key("192.0.2.1"), noBound, 0);
  assert.equal(connected.kind, "open");
  takeAll(counters, "192.0.2.2", 1000);
  for (let index = 0; index < 1000; index++) {
    counters.take(key(`10.0.${index >> 8}.${index & 255}`), tenPerSecond, 2000);
  }
  assert.equal(counters.open(key("192.0.2.1"), { ...noBound, perAddress: 1 }, 2000).kind, "full");
  assert.equal(takeAll(counters, "192.0.2.2", 1999), 10);
});

test("LIM7: open() passes a client whose set is full of connected ones, and bounds all", () => {
  const counters = createCounterTable(8);
  const results = Array.from(
    { length: 12 },
    (_, index) => counters.open(key(`192.0.2.${index}`), { perAddress: 1, total: 10 }, 0),
  );
  assert.deepEqual(results.map(({ kind }) => kind), [...Array.from({ length: 10 }, () => "open"), "full", "full"]);
  assert.equal(counters.openTotal(), 10);
  for (const result of results) if (result.kind === "open") result.close();
  assert.equal(counters.openTotal(), 0);
});

test("LIM7: open() never counts below zero, whatever the order of opening and closing", () => {
  const step = tuple(constantFrom("open", "close"), integer({ min: 0, max: 40 }));
  check(property(array(step, { maxLength: 200 }), (steps) => {
    const counters = createCounterTable(8);
    const open: (() => void)[] = [];
    for (const [kind, number] of steps) {
      const result = kind === "open"
        ? counters.open(key(`10.0.0.${number}`), { perAddress: 3, total: 12 }, number)
        : undefined;
      if (result?.kind === "open") open.push(result.close);
      if (kind === "close") {
        const [close] = open.splice(number % Math.max(open.length, 1), 1);
        close?.();
        close?.();
      }
      assert.equal(counters.openTotal(), open.length);
      assert.ok(open.length <= 12);
    }
  }));
});

test("LIM7: forgetWorker() gives back what a dead worker had open", () => {
  const buffer = createCounterBuffer({ entries: 64, workers: 2 });
  const [first, second] = [attachCounterTable(buffer, 0), attachCounterTable(buffer, 1)];
  const limit = { perAddress: 2, total: 2 };
  first.open(key("192.0.2.1"), limit, 0);
  second.open(key("192.0.2.1"), limit, 0);
  assert.equal(first.open(key("192.0.2.1"), limit, 0).kind, "full");
  first.forgetWorker(1);
  assert.equal(first.openTotal(), 1);
  assert.equal(first.open(key("192.0.2.1"), limit, 0).kind, "open");
});

test("attachCounterTable() refuses a worker that the table has no place for", () => {
  const buffer = createCounterBuffer({ entries: 64, workers: 2 });
  for (const worker of [-1, 2, 0.5]) assert.throws(() => attachCounterTable(buffer, worker), RangeError);
});

test("LIM7: two worker threads have one view of the limits", { timeout: 60_000 }, async () => {
  const buffer = createCounterBuffer({ entries: 1024, workers: 2 });
  const file = new URL("../testing/count-in-worker.ts", import.meta.url);
  const workers = [0, 1].map((worker) => new Worker(file, { workerData: { buffer, worker, attempts: 20_000 } }));
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const answers = workers.map(async (worker) => {
    const answered = once(worker, "message");
    worker.postMessage("go");
    const [answer] = await answered;
    return z.object({ taken: z.number(), opened: z.number() }).parse(answer);
  });
  const [a, b] = await Promise.all(answers);
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.ok(a !== undefined && b !== undefined);
  assert.equal(a.taken + b.taken, 10_000);
  assert.equal(a.opened + b.opened, 5000);
  assert.equal(attachCounterTable(buffer, 0).openTotal(), 5000);
});
