import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, integer, property, uint8Array } from "fast-check";
import { createFrameSplitter, frameMessage } from "./frame-splitter.ts";
import { concatBytes } from "./record.ts";

test("createFrameSplitter() gives the same messages wherever the chunks end", () => {
  const messages = array(uint8Array({ maxLength: 300 }), { maxLength: 6 });
  check(property(messages, array(integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 }), (sent, sizes) => {
    const stream = concatBytes(sent.map(frameMessage));
    const splitter = createFrameSplitter();
    const received: Uint8Array[] = [];
    for (let offset = 0, turn = 0; offset < stream.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      received.push(...splitter.push(stream.subarray(offset, offset + size)));
      offset += size;
    }
    assert.deepEqual(received.map((message) => [...message]), sent.map((message) => [...message]));
    assert.equal(splitter.pendingBytes, 0);
  }));
});

test("createFrameSplitter() counts what has not fully arrived", () => {
  const splitter = createFrameSplitter();
  assert.deepEqual(splitter.push(Uint8Array.of(0)), []);
  assert.deepEqual(splitter.push(Uint8Array.of(3, 1)), []);
  assert.equal(splitter.pendingBytes, 3);
  assert.deepEqual(splitter.push(Uint8Array.of(2, 3, 0)).map((message) => [...message]), [[1, 2, 3]]);
  assert.equal(splitter.pendingBytes, 1);
});
