import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlatformError } from "../errors/platform-error.ts";
import { encodeCbor } from "../wire/cbor.ts";
import { emptyDigest, type FeedFrame } from "./frame.ts";
import { applyFrame, createTopicState } from "./topic-state.ts";

const one = createTopicState(4, new Map([["a", encodeCbor(1)]]));

test("applyFrame() gives back the same state for a keep-alive", () => {
  assert.equal(applyFrame(one, { kind: "delta", revision: 4, digest: one.digest, entries: [] }), one);
});

test("applyFrame() refuses a frame that promises another state, a keep-alive too", () => {
  const frames: FeedFrame[] = [
    { kind: "delta", revision: 5, digest: one.digest, entries: [["a", encodeCbor(2)]] },
    { kind: "delta", revision: 4, digest: emptyDigest(), entries: [] },
    { kind: "snapshot", revision: 9, digest: one.digest, entries: [] },
  ];
  for (const frame of frames) {
    assert.throws(() => applyFrame(one, frame), (error: PlatformError) => error.code === "digest-mismatch");
  }
});

test("applyFrame() forgets with a snapshot what it does not name", () => {
  const next = createTopicState(9, new Map([["b", encodeCbor(2)]]));
  const frame: FeedFrame = { kind: "snapshot", revision: 9, digest: next.digest, entries: [["b", encodeCbor(2)]] };
  assert.deepEqual([...applyFrame(one, frame).values.keys()], ["b"]);
});

test("applyFrame() removes a key with null and ignores the removal of one it does not have", () => {
  const frame: FeedFrame = { kind: "delta", revision: 6, digest: emptyDigest(), entries: [["a", null], ["b", null]] };
  assert.equal(applyFrame(one, frame).values.size, 0);
});
