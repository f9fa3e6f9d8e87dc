import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamPace } from "./stream-pace.ts";

const limits = { requestBodyIdleMs: 30_000, requestBodyBytesPerSecond: 500 };

test("LIM4: an upload is slow when nothing comes for the idle time", () => {
  const pace = new StreamPace({ writableLength: 0 });
  assert.equal(pace.isUploadSlow(1e9, limits), false);
  pace.startReading(0);
  pace.read(1e6, 1_000);
  assert.equal(pace.isUploadSlow(31_000, limits), false);
  assert.equal(pace.isUploadSlow(31_001, limits), true);
});

test("LIM4: an upload that drips is slow after the grace, while held back it is not", () => {
  const pace = new StreamPace({ writableLength: 0 });
  pace.startReading(0);
  for (let second = 1; second <= 10; second += 1) pace.read(499, second * 1000);
  assert.equal(pace.isUploadSlow(10_000, limits), false);
  assert.equal(pace.isUploadSlow(10_001, limits), true);
  pace.stopReading(10_001);
  assert.equal(pace.isUploadSlow(1e9, limits), false);
  pace.startReading(1e9);
  pace.read(100_000, 1e9);
  assert.equal(pace.isUploadSlow(1e9 + 1, limits), false);
});

test("T5: a response stalls while nothing of it is taken", () => {
  const writer = { writableLength: 0 };
  const pace = new StreamPace(writer);
  assert.equal(pace.stalledMs(0), undefined);
  pace.wrote(100);
  writer.writableLength = 100;
  assert.deepEqual([pace.stalledMs(1_000), pace.stalledMs(5_000)], [0, 4_000]);
  writer.writableLength = 60;
  assert.deepEqual([pace.stalledMs(6_000), pace.stalledMs(7_000)], [0, 1_000]);
  pace.wrote(50);
  writer.writableLength = 110;
  assert.equal(pace.stalledMs(8_000), 2_000);
  writer.writableLength = 0;
  assert.equal(pace.stalledMs(9_000), undefined);
});
