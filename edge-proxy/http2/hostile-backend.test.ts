import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { askBackend } from "./testing/ask-backend.ts";
import { dataFrame, openHostile, responseFrame, rstFrame } from "./testing/hostile-backend.ts";
import { createTestBackends, openAt } from "./testing/test-backends.ts";

const options = { timeout: 20_000 };

const hostile: readonly (readonly [name: string, frames: readonly Buffer[]])[] = [
  ["no status", [responseFrame(["x", "y"])]],
  ["a status that is no number", [responseFrame([":status", "2x0"])]],
  ["a status above 599", [responseFrame([":status", "600"])]],
  ["101", [responseFrame([":status", "101"])]],
  ["an informational response that ends", [responseFrame([":status", "103"])]],
  ["two statuses", [responseFrame([":status", "200", ":status", "200"])]],
  ["a Connection", [responseFrame([":status", "200", "connection", "close"])]],
  ["a Transfer-Encoding", [responseFrame([":status", "200", "transfer-encoding", "chunked"])]],
  ["two Content-Lengths", [responseFrame([":status", "200", "content-length", "1", "content-length", "1"], 4)]],
  ["a Content-Length without a body", [responseFrame([":status", "200", "content-length", "5"])]],
  ["an upper-case name", [responseFrame([":status", "200", "X", "y"])]],
  ["DATA before the head", [dataFrame]],
  ["a frame that is too large", [Buffer.of(255, 255, 255, 0, 0, 0, 0, 0, 1)]],
];

for (const [name, frames] of hostile) {
  test(`S12: a backend that answers with ${name} is 502`, options, async () => {
    await using backend = await openHostile(...frames);
    await using backends = createTestBackends();
    const { failure } = await askBackend(openAt(backends, backend.port)).answer;
    assert.deepEqual([failure?.step, failure?.status], ["response", 502]);
  });
}

test("G4: the code with which a backend breaks off a response is told", options, async () => {
  await using backend = await openHostile(responseFrame([":status", "200"], 4), dataFrame, rstFrame(13));
  await using backends = createTestBackends();
  const { failure } = await askBackend(openAt(backends, backend.port)).answer;
  assert.deepEqual([failure?.step, failure?.resetCode], ["body", 13]);
});

test("H10: RST_STREAM(NO_ERROR) in the middle of a response is no end of it", options, async () => {
  await using backend = await openHostile(responseFrame([":status", "200"], 4), dataFrame, rstFrame(0));
  await using backends = createTestBackends();
  const { failure, trailers } = await askBackend(openAt(backends, backend.port)).answer;
  assert.deepEqual([failure?.step, trailers], ["body", undefined]);
});
