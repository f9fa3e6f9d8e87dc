import assert from "node:assert/strict";
import { appendFile, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "../log/log.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { encodeCbor } from "../wire/cbor.ts";
import type { FeedFrame } from "./frame.ts";
import { openKeptTopic } from "./kept-topic.ts";
import { applyFrame, createTopicState, type TopicState } from "./topic-state.ts";

/** A value so large that a few of them are no small state. */
const valueOf = (number: number) => encodeCbor({ number, filling: "x".repeat(2_000) });

/** A frame that follows a state, with the digest that it leads to. */
function frameAfter(state: TopicState, kind: FeedFrame["kind"], entries: FeedFrame["entries"]): FeedFrame {
  const values = kind === "snapshot" ? new Map<string, Uint8Array>() : new Map(state.values);
  for (const [key, value] of entries) {
    if (value === null) values.delete(key);
    else values.set(key, value);
  }
  return { kind, revision: state.revision + 1, digest: createTopicState(0, values).digest, entries };
}

/** Equal, whatever kind of bytes the values are. */
function assertSame(actual: TopicState, expected: TopicState): void {
  assert.equal(actual.revision, expected.revision);
  assert.deepEqual(actual.digest, expected.digest);
  assert.deepEqual([...actual.values.keys()].sort(), [...expected.values.keys()].sort());
}

const hundred = Array.from({ length: 100 }, (_, index): [string, Uint8Array] => [`key-${index}`, valueOf(index)]);

test("openKeptTopic() adds changes of a large topic to a journal, and has them after a restart", async () => {
  await using folder = await createTemporaryFolder();
  const options = { topic: "t", path: join(folder.path, "t.state"), log: silentLog };
  const topic = await openKeptTopic(options);
  await topic.take(frameAfter(topic.state, "snapshot", hundred));
  const { mtimeMs } = await stat(options.path);
  await topic.take(frameAfter(topic.state, "delta", [["key-1", valueOf(77)], ["key-2", null], ["new", valueOf(1)]]));
  await topic.take(frameAfter(topic.state, "delta", [["new", valueOf(2)]]));
  assert.equal((await stat(options.path)).mtimeMs, mtimeMs);
  assert.ok((await stat(`${options.path}.journal`)).size < 12_000);
  const expected = topic.state;
  await topic.close();
  const again = await openKeptTopic(options);
  assertSame(again.state, expected);
  assert.equal(again.state.values.size, 100);
  await again.close();
});

test("openKeptTopic() reads a journal up to where a crash cut it, and writes it anew", async () => {
  await using folder = await createTemporaryFolder();
  const options = { topic: "t", path: join(folder.path, "t.state"), log: silentLog };
  const topic = await openKeptTopic(options);
  await topic.take(frameAfter(topic.state, "snapshot", hundred));
  await topic.take(frameAfter(topic.state, "delta", [["a", valueOf(1)]]));
  const { revision } = topic.state;
  await topic.close();
  await appendFile(`${options.path}.journal`, Uint8Array.of(0x5a, 0, 0, 9, 9, 1, 2));
  const again = await openKeptTopic(options);
  assert.equal(again.state.revision, revision);
  await again.take(frameAfter(again.state, "delta", [["b", valueOf(2)]]));
  await again.take(frameAfter(again.state, "delta", [["c", valueOf(3)]]));
  await again.close();
  const last = await openKeptTopic(options);
  assert.deepEqual([...last.state.values.keys()].slice(-3), ["a", "b", "c"]);
  await last.close();
});

test("openKeptTopic() writes the whole state again when the journal has grown above it", async () => {
  await using folder = await createTemporaryFolder();
  const options = { topic: "t", path: join(folder.path, "t.state"), log: silentLog };
  const topic = await openKeptTopic(options);
  await topic.take(frameAfter(topic.state, "snapshot", hundred));
  const many = () => hundred.map(([key]): [string, Uint8Array] => [key, valueOf(topic.state.revision)]);
  for (let round = 0; round < 7; round += 1) await topic.take(frameAfter(topic.state, "delta", many()));
  assert.ok((await stat(`${options.path}.journal`)).size < 1 << 20);
  const expected = topic.state;
  await topic.close();
  const again = await openKeptTopic(options);
  assertSame(again.state, expected);
  await again.close();
});

test("openKeptTopic() changes nothing for a frame that does not follow", async () => {
  await using folder = await createTemporaryFolder();
  const options = { topic: "t", path: join(folder.path, "t.state"), log: silentLog };
  const topic = await openKeptTopic(options);
  await topic.take(frameAfter(topic.state, "snapshot", hundred));
  const before = { state: topic.state, bytes: await readFile(options.path) };
  const wrong = { ...frameAfter(topic.state, "delta", [["a", valueOf(1)]]), digest: new Uint8Array(32) };
  await assert.rejects(topic.take(wrong), { code: "digest-mismatch" });
  assert.deepEqual(topic.state, before.state);
  assert.deepEqual(await readFile(options.path), before.bytes);
  const keepAlive = { kind: "delta" as const, revision: 1, digest: topic.state.digest, entries: [] };
  assert.equal(await topic.take(keepAlive), false);
  assert.equal(applyFrame(topic.state, keepAlive).revision, 1);
  await topic.close();
});
