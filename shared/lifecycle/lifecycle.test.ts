import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlatformError } from "../errors/platform-error.ts";
import { type LogFields, silentLog } from "../log/log.ts";
import { createBackoff } from "./backoff.ts";
import { createNotifier, createSerialQueue } from "./queue.ts";
import { runLoop } from "./run-loop.ts";
import { waitFor, waitUntil } from "./wait.ts";

test("createBackoff() doubles up to its maximum and starts again after reset", () => {
  const backoff = createBackoff({ minMs: 10, maxMs: 35, random: () => 0 });
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next(), backoff.next()], [10, 20, 35, 35]);
  backoff.reset();
  assert.equal(backoff.next(), 10);
});

test("createBackoff() takes off at most half at random and refuses bad bounds", () => {
  assert.equal(createBackoff({ minMs: 100, random: () => 0.999 }).next(), 50);
  assert.throws(() => createBackoff({ minMs: 0 }), RangeError);
  assert.throws(() => createBackoff({ minMs: 10, maxMs: 5 }), RangeError);
});

test("waitFor() ends as soon as its signal aborts", async () => {
  const controller = new AbortController();
  const wait = waitFor(60_000, controller.signal);
  controller.abort();
  await wait;
  await waitFor(60_000, controller.signal);
});

test("waitUntil() gives the first value, or says what it waited for", async () => {
  let calls = 0;
  assert.equal(
    await waitUntil(() => (++calls === 3 ? calls : undefined), { action: "x", timeoutMs: 5_000, intervalMs: 1 }),
    3,
  );
  await assert.rejects(
    waitUntil(() => undefined, { action: "see the zone", timeoutMs: 2, intervalMs: 1 }),
    (error: PlatformError) => error.code === "timeout" && error.message.startsWith("Cannot see the zone"),
  );
  await assert.rejects(
    waitUntil(() => undefined, { action: "x", timeoutMs: 60_000, signal: AbortSignal.abort() }),
    (error: PlatformError) => error.code === "cancelled",
  );
});

test("createSerialQueue() keeps order and survives a failing task", async () => {
  const queue = createSerialQueue();
  const order: number[] = [];
  const failed = assert.rejects(queue.run(() => Promise.reject(new Error("no"))));
  const done = queue.run(async () => void order.push(1));
  await Promise.all([failed, done, queue.run(() => void order.push(2))]);
  assert.deepEqual(order, [1, 2]);
});

test("createNotifier() wakes all who wait, and aborted ones", async () => {
  const notifier = createNotifier();
  const controller = new AbortController();
  const waits = [notifier.wait(new AbortController().signal), notifier.wait(new AbortController().signal)];
  notifier.notify();
  await Promise.all(waits);
  const aborted = notifier.wait(controller.signal);
  controller.abort();
  await aborted;
});

test("runLoop() tries again after a failure and stops with its signal", async () => {
  const controller = new AbortController();
  let passes = 0;
  await runLoop(
    async () => {
      passes++;
      if (passes === 1) throw new Error("first");
      controller.abort();
    },
    { name: "loop", log: silentLog, signal: controller.signal, minMs: 1, maxMs: 1 },
  );
  assert.equal(passes, 2);
});

test("runLoop() starts its backoff anew after a pass that lasted", async () => {
  const controller = new AbortController();
  const waits: number[] = [];
  const log = {
    ...silentLog,
    warn: (_message: string, fields: LogFields = {}) => void waits.push(Number(fields["retryInMs"])),
  };
  await runLoop(
    async () => {
      if (waits.length === 4) return controller.abort();
      if (waits.length === 3) await waitFor(50);
      throw new Error("ended");
    },
    { name: "loop", log, signal: controller.signal, minMs: 5, maxMs: 20, random: () => 0 },
  );
  assert.deepEqual(waits, [5, 10, 20, 5]);
});
