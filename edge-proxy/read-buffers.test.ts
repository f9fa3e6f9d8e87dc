import assert from "node:assert/strict";
import { test } from "node:test";
import { createReadBuffers, releaseBuffer } from "./read-buffers.ts";

test("createReadBuffers() reads small until a buffer is full, and again once reads are small", () => {
  const buffers = createReadBuffers();
  const small = buffers.next();
  assert.equal(small.length, 8_192);
  buffers.took(100, false);
  assert.equal(buffers.next(), small);
  buffers.took(8_192, false);
  const large = buffers.next();
  assert.equal(large.length, 65_536);
  buffers.took(65_536, false);
  assert.equal(buffers.next(), large);
  buffers.took(10, false);
  assert.equal(buffers.next().length, 8_192);
});

test("createReadBuffers() never hands out bytes that are in use, until they are given back", () => {
  const buffers = createReadBuffers();
  const small = buffers.next();
  buffers.took(8_192, true);
  const large = buffers.next();
  buffers.took(65_536, true);
  const other = buffers.next();
  assert.notEqual(other, large);
  assert.notEqual(other, small);
  releaseBuffer(large);
  buffers.took(65_536, true);
  assert.equal(buffers.next(), large);
});
