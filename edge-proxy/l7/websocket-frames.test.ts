import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, boolean, integer, oneof, property, record } from "fast-check";
import { FrameBorders } from "./websocket-frames.ts";

function frame(length: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const head = length < 126
    ? [0x82, mask | length]
    : length < 65_536
    ? [0x82, mask | 126, length >> 8, length & 255]
    : [0x82, mask | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0, 7), Buffer.alloc(length, 0x82)]);
}

test("FrameBorders knows when it is between frames, however the bytes are cut", () => {
  const frames = array(anyFrame(), { minLength: 1, maxLength: 5 });
  check(
    property(frames, integer({ min: 1, max: 70_000 }), (all, step) => {
      const bytes = Buffer.concat(all.map(({ length, masked }) => frame(length, masked)));
      const borders = new Set<number>([0]);
      let end = 0;
      for (const { length, masked } of all) borders.add(end += frame(length, masked).length);
      const followed = new FrameBorders();
      for (let offset = 0; offset < bytes.length; offset += step) {
        followed.push(bytes.subarray(offset, offset + step));
        assert.equal(followed.isBetween, borders.has(Math.min(offset + step, bytes.length)));
      }
    }),
    { numRuns: 200 },
  );
});

function anyFrame() {
  return record({
    length: oneof(integer({ min: 0, max: 130 }), integer({ min: 65_530, max: 65_540 })),
    masked: boolean(),
  });
}
