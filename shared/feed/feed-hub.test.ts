import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Database } from "../store/database.ts";
import { openTemporaryDatabase } from "../store/temporary-database.ts";
import { decodeFrames } from "../wire/cbor.ts";
import { createFeedHub, type FeedHub } from "./feed-hub.ts";
import { appendFeed, feedMigration } from "./feed-store.ts";
import { FeedFrame } from "./frame.ts";

const open = () => openTemporaryDatabase([feedMigration]);
const set = (hub: Pick<FeedHub, "transaction">, value: unknown, key = "a") =>
  hub.transaction((tx) => appendFeed(tx, "t", [{ key, value }]));
const request = (headers: Record<string, string> = {}, signal?: AbortSignal) =>
  new Request("http://feed/", { headers, ...(signal === undefined ? {} : { signal }) });
const waiting = (seconds: number) => request({ prefer: `wait=${seconds}` });

async function* framesOf(response: Response): AsyncGenerator<FeedFrame> {
  assert.ok(response.body);
  for await (const item of decodeFrames(response.body)) yield FeedFrame.parse(item);
}

async function only(response: Response): Promise<FeedFrame> {
  const frames: FeedFrame[] = [];
  for await (const frame of framesOf(response)) frames.push(frame);
  assert.equal(frames.length, 1);
  return FeedFrame.parse(frames[0]);
}

/** The same database, counting the queries. */
function counting(database: Database): { database: Database; queries: () => number } {
  let count = 0;
  const first: Database["first"] = (sql, args) => {
    count++;
    return database.first(sql, args);
  };
  return { database: { ...database, first }, queries: () => count };
}

test("answerPoll() answers at once with a snapshot, its revision as ETag", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  await set(hub, 1);
  const response = await hub.answerPoll("t", 0, waiting(30));
  assert.equal(response.headers.get("etag"), '"1"');
  assert.equal(response.headers.get("content-type"), "application/cbor-seq");
  assert.equal((await only(response)).kind, "snapshot");
});

test("answerPoll() answers JSON to who asks for it", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  await set(hub, { port: 8443 });
  await hub.transaction((tx) => appendFeed(tx, "t", [{ key: "b", value: 1 }]));
  await hub.transaction((tx) => appendFeed(tx, "t", [{ key: "b" }]));
  const response = await hub.answerPoll("t", 1, request({ accept: "application/json" }));
  const Answer = z.object({
    kind: z.string(),
    revision: z.int(),
    digest: z.string().length(64),
    entries: z.array(z.unknown()),
  });
  const answer = Answer.parse(await response.json());
  assert.deepEqual([answer.kind, answer.revision, answer.entries], ["delta", 3, [{ key: "b", value: null }]]);
});

test("answerPoll() does not wait unless asked", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  assert.deepEqual((await only(await hub.answerPoll("t", 0, request()))).entries, []);
});

test("answerPoll() waits for a change with Prefer: wait", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  const revision = await set(hub, 1);
  const answer = hub.answerPoll("t", revision, waiting(30));
  await set(hub, 2);
  const frame = await only(await answer);
  assert.deepEqual([frame.kind, frame.revision, frame.entries.length], ["delta", revision + 1, 1]);
});

test("answerPoll() answers nothing new when the wait is over, the subscriber goes or the hub closes", async () => {
  await using database = await open();
  const hub = createFeedHub(database);
  const revision = await set(hub, 1);
  assert.deepEqual((await only(await hub.answerPoll("t", revision, waiting(1)))).entries, []);
  const controller = new AbortController();
  const gone = hub.answerPoll("t", revision, request({ prefer: "wait=60" }, controller.signal));
  controller.abort();
  assert.equal((await only(await gone)).revision, revision);
  const open60 = hub.answerPoll("t", revision, waiting(60));
  await hub[Symbol.asyncDispose]();
  assert.equal((await only(await open60)).revision, revision);
});

test("answerPoll() sees what another writer has written while nobody listened", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  await set(hub, 1);
  assert.equal((await only(await hub.answerPoll("t", 1, request()))).revision, 1);
  await set(database, 2);
  assert.equal((await only(await hub.answerPoll("t", 1, request()))).revision, 2);
});

test("answerPoll() notices another writer while it waits", async () => {
  await using database = await open();
  await using hub = createFeedHub(database, { pollMs: 5 });
  await set(hub, 1);
  const answer = hub.answerPoll("t", 1, waiting(30));
  await set(database, 2);
  assert.equal((await only(await answer)).revision, 2);
});

test("answerStream() pushes the snapshot, then each change", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  await set(hub, 1);
  const frames = framesOf(hub.answerStream("t", 0, request()));
  assert.equal((await frames.next()).value?.kind, "snapshot");
  for (const value of [2, 3]) {
    const next = frames.next();
    const revision = await set(hub, value);
    const { value: frame } = await next;
    assert.deepEqual([frame?.kind, frame?.revision], ["delta", revision]);
  }
  await frames.return(undefined);
});

test("answerStream() keeps a silent connection alive with empty frames", async () => {
  await using database = await open();
  await using hub = createFeedHub(database, { keepAliveMs: 5 });
  const revision = await set(hub, 1);
  const frames = framesOf(hub.answerStream("t", revision, request()));
  for (let count = 0; count < 3; count++) {
    const { value: frame } = await frames.next();
    assert.deepEqual([frame?.revision, frame?.entries], [revision, []]);
  }
  await frames.return(undefined);
});

test("answerStream() ends when the hub closes", async () => {
  await using database = await open();
  const hub = createFeedHub(database);
  await set(hub, 1);
  const frames = framesOf(hub.answerStream("t", 1, request()));
  await frames.next();
  const rest = frames.next();
  await hub[Symbol.asyncDispose]();
  assert.equal((await rest).done, true);
});

test("transaction() wakes 1,000 subscribers with one read", async () => {
  await using real = await open();
  const { database, queries } = counting(real);
  await using hub = createFeedHub(database, { pollMs: 60_000 });
  await set(hub, 1);
  const answers = Array.from({ length: 1_000 }, () => hub.answerPoll("t", 1, waiting(60)));
  await hub.answerPoll("t", 1, request());
  const before = queries();
  await set(hub, 2);
  const revisions = await Promise.all(answers.map(async (answer) => (await answer).headers.get("etag")));
  assert.ok(revisions.every((revision) => revision === '"2"'));
  assert.equal(queries() - before, 1);
});

test("transaction() appends nothing when it fails", async () => {
  await using database = await open();
  await using hub = createFeedHub(database);
  await assert.rejects(
    hub.transaction(async (tx) => {
      await appendFeed(tx, "t", [{ key: "a", value: 1 }]);
      throw new Error("no");
    }),
    /no/,
  );
  assert.equal((await only(await hub.answerPoll("t", 0, request()))).revision, 0);
});
