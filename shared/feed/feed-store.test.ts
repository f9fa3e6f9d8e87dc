import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, asyncProperty, constantFrom, nat, option, record } from "fast-check";
import type { Database } from "../store/database.ts";
import { openTemporaryDatabase } from "../store/temporary-database.ts";
import { decodeCbor } from "../wire/cbor.ts";
import {
  appendFeed,
  type FeedChange,
  feedMigration,
  keptRevisions,
  readFrame,
  readRevision,
  replaceFeed,
} from "./feed-store.ts";
import { applyFrame, createTopicState, type TopicState } from "./topic-state.ts";

const open = () => openTemporaryDatabase([feedMigration]);
const append = (database: Database, changes: readonly FeedChange[], topic = "t") =>
  database.transaction((tx) => appendFeed(tx, topic, changes));

test("appendFeed() numbers changes and leaves out those that change nothing", async () => {
  await using database = await open();
  assert.equal(await append(database, [{ key: "a", value: 1 }, { key: "b", value: 2 }]), 2);
  assert.equal(await append(database, [{ key: "a", value: 1 }, { key: "gone" }]), 2);
  assert.equal(await append(database, [{ key: "a", value: { x: 1 } }]), 3);
  assert.equal(await readRevision(database, "t"), 3);
  assert.equal(await readRevision(database, "other"), 0);
});

test("appendFeed() keeps topics apart", async () => {
  await using database = await open();
  await append(database, [{ key: "a", value: 1 }], "one");
  await append(database, [{ key: "a", value: 2 }], "two");
  const { entries } = await readFrame(database, "one", 0);
  assert.deepEqual(entries.map(([key, value]) => [key, value && decodeCbor(value)]), [["a", 1]]);
});

test("readFrame() carries each changed key once, a removal as null", async () => {
  await using database = await open();
  const since = await append(database, [{ key: "a", value: 1 }, { key: "b", value: 1 }]);
  await append(database, [{ key: "a", value: 2 }]);
  await append(database, [{ key: "a", value: 3 }, { key: "b" }]);
  const frame = await readFrame(database, "t", since);
  assert.equal(frame.kind, "delta");
  assert.deepEqual(frame.entries.map(([key, value]) => [key, value && decodeCbor(value)]), [["a", 3], ["b", null]]);
});

test("readFrame() gives a snapshot at 0 and ahead of the topic, nothing at its revision", async () => {
  await using database = await open();
  const revision = await append(database, [{ key: "a", value: 1 }]);
  assert.equal((await readFrame(database, "t", 0)).kind, "snapshot");
  assert.equal((await readFrame(database, "t", revision + 7)).kind, "snapshot");
  assert.deepEqual((await readFrame(database, "t", revision)).entries, []);
  assert.equal((await readFrame(database, "t", revision)).kind, "delta");
});

test("appendFeed() compacts, and readFrame() gives a snapshot to who is too far behind", async () => {
  await using database = await open();
  const first = await append(database, [{ key: "a", value: 0 }]);
  await database.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'feed_change'", [keptRevisions]);
  assert.equal(await append(database, [{ key: "b", value: 1 }]), first + keptRevisions);
  assert.equal((await readFrame(database, "t", first)).kind, "delta");
  await append(database, [{ key: "b", value: 2 }]);
  assert.equal((await readFrame(database, "t", first)).kind, "snapshot");
  const row = await database.first("SELECT min(revision) AS oldest FROM feed_change");
  assert.equal(row?.["oldest"], first + keptRevisions);
});

test("replaceFeed() removes what is not named, under its prefix only", async () => {
  await using database = await open();
  await append(database, [{ key: "a/1", value: 1 }, { key: "a/2", value: 2 }, { key: "b/1", value: 3 }]);
  await database.transaction((tx) => replaceFeed(tx, "t", new Map([["a/2", 2], ["a/3", 4]]), "a/"));
  const { entries } = await readFrame(database, "t", 0);
  assert.deepEqual(entries.map(([key]) => key), ["a/2", "a/3", "b/1"]);
});

const changes = array(
  record({ key: constantFrom("a", "b", "c", "d"), value: option(nat(3), { nil: undefined }) }),
  { maxLength: 6 },
);

test("readFrame() leads every subscriber to the same state, whatever it has seen before", async () => {
  await using database = await open();
  let run = 0;
  await check(
    asyncProperty(array(changes, { minLength: 1, maxLength: 8 }), async (batches) => {
      const topic = `t${run++}`;
      const seen: TopicState[] = [createTopicState()];
      for (const batch of batches) {
        await append(database, batch.map(({ key, value }) => value === undefined ? { key } : { key, value }), topic);
        const last = seen.at(-1) ?? createTopicState();
        seen.push(applyFrame(last, await readFrame(database, topic, last.revision)));
      }
      const whole = applyFrame(createTopicState(), await readFrame(database, topic, 0));
      for (const state of seen) {
        const caught = applyFrame(state, await readFrame(database, topic, state.revision));
        assert.deepEqual(Object.fromEntries(caught.values), Object.fromEntries(whole.values));
        assert.deepEqual(createTopicState(caught.revision, caught.values), { ...whole, values: caught.values });
      }
    }),
    { numRuns: 25 },
  );
});
