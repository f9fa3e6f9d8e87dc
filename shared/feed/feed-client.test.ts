import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { z } from "zod";
import { waitUntil } from "../lifecycle/wait.ts";
import { createLog } from "../log/log.ts";
import { openTemporaryDatabase } from "../store/temporary-database.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { encodeCbor, encodeFrame } from "../wire/cbor.ts";
import { type FeedClientOptions, type FeedState, startFeedClient } from "./feed-client.ts";
import { createFeedHub, type FeedHub } from "./feed-hub.ts";
import { appendFeed, feedMigration } from "./feed-store.ts";
import type { FeedFrame } from "./frame.ts";
import { createTopicState } from "./topic-state.ts";

type Client = Awaited<ReturnType<typeof startClient>>;
type Overrides = Partial<FeedClientOptions<number>>;

/** A client of numbers that records what it applied and logged; it stops with the test. */
async function startClient(
  t: TestContext,
  overrides: Overrides & Pick<FeedClientOptions<number>, "open" | "statePath">,
) {
  const stop = new AbortController();
  const applied: FeedState<number>[] = [];
  const lines: string[] = [];
  const client = await startFeedClient<number>({
    topic: "t",
    schema: z.number(),
    apply: (state) => void applied.push(state),
    log: createLog({ system: "test", write: (line) => void lines.push(line) }),
    signal: stop.signal,
    ...overrides,
  });
  const close = async () => {
    stop.abort();
    await client.done;
  };
  t.after(close);
  return { client, applied, lines, close };
}

async function openHub(t: TestContext): Promise<FeedHub> {
  const database = await openTemporaryDatabase([feedMigration]);
  const hub = createFeedHub(database);
  t.after(async () => {
    await hub[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });
  return hub;
}

const follow = (hub: FeedHub): FeedClientOptions<number>["open"] => async (since, signal) =>
  hub.answerStream("t", since, new Request("http://feed/", { signal }));
const down: FeedClientOptions<number>["open"] = () => Promise.reject(new Error("connection refused"));
const set = (hub: FeedHub, key: string, value?: unknown) =>
  hub.transaction((tx) => appendFeed(tx, "t", [value === undefined ? { key } : { key, value }]));
const revisionOf = ({ client }: Client, revision: number) =>
  waitUntil(() => client.state.revision >= revision ? client.state : undefined, {
    action: `reach revision ${revision}`,
    timeoutMs: 10_000,
    intervalMs: 2,
  });
const entriesOf = (state: FeedState<number>) => Object.fromEntries(state.entries);
const answer = (...frames: FeedFrame[]) => new Response(new Blob(frames.map((frame) => encodeFrame(frame))).stream());
const snapshot = (revision: number, values: Record<string, unknown>): FeedFrame => {
  const entries = Object.entries(values).map(([key, value]): [string, Uint8Array] => [key, encodeCbor(value)]);
  return { kind: "snapshot", revision, digest: createTopicState(revision, new Map(entries)).digest, entries };
};

test("startFeedClient() applies the snapshot, then each change", async (t) => {
  const hub = await openHub(t);
  await using folder = await createTemporaryFolder();
  await set(hub, "a", 1);
  const running = await startClient(t, { open: follow(hub), statePath: join(folder.path, "t.cbor") });
  await revisionOf(running, 1);
  await set(hub, "b", 2);
  await set(hub, "a");
  assert.deepEqual(entriesOf(await revisionOf(running, 3)), { b: 2 });
  await running.close();
});

test("startFeedClient() has the state on disk before it applies it", async (t) => {
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "deep", "t.cbor");
  const onDisk: boolean[] = [];
  const running = await startClient(t, {
    statePath,
    open: async () => answer(snapshot(3, { a: 1 })),
    apply: async () => void onDisk.push((await readFile(statePath)).length > 0),
  });
  await revisionOf(running, 3);
  await running.close();
  assert.equal(onDisk[0], true);
});

test("startFeedClient() applies the kept state at start although the server is down", async (t) => {
  const hub = await openHub(t);
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "t.cbor");
  await set(hub, "a", 1);
  const before = await startClient(t, { open: follow(hub), statePath });
  await revisionOf(before, 1);
  await before.close();
  const after = await startClient(t, { open: down, statePath });
  assert.deepEqual(after.applied.map(entriesOf), [{ a: 1 }]);
  await after.close();
});

test("startFeedClient() goes on from the kept revision", async (t) => {
  const hub = await openHub(t);
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "t.cbor");
  await set(hub, "a", 1);
  const before = await startClient(t, { open: follow(hub), statePath });
  await revisionOf(before, 1);
  await before.close();
  await set(hub, "b", 2);
  const asked: number[] = [];
  const after = await startClient(t, {
    statePath,
    open: (since, signal) => {
      asked.push(since);
      return follow(hub)(since, signal);
    },
  });
  assert.deepEqual(entriesOf(await revisionOf(after, 2)), { a: 1, b: 2 });
  assert.deepEqual(asked, [1]);
  await after.close();
});

test("startFeedClient() starts again from a snapshot after a digest that does not match", async (t) => {
  await using folder = await createTemporaryFolder();
  const asked: number[] = [];
  const answers = [
    answer(snapshot(3, { a: 1 }), { ...snapshot(4, { a: 1, b: 2 }), kind: "delta", digest: new Uint8Array(32) }),
    answer(snapshot(9, { c: 3 })),
  ];
  const running = await startClient(t, {
    statePath: join(folder.path, "t.cbor"),
    open: async (since) => {
      asked.push(since);
      return answers.shift() ?? await down(since, new AbortController().signal);
    },
  });
  assert.deepEqual(entriesOf(await revisionOf(running, 9)), { c: 3 });
  assert.deepEqual(asked.slice(0, 2), [0, 0]);
  assert.deepEqual(running.applied.map(entriesOf), [{ a: 1 }, { c: 3 }]);
  assert.match(running.lines.join(""), /its digest is another one/);
  await running.close();
});

test("startFeedClient() resyncs when a keep-alive has another digest at the same revision", async (t) => {
  await using folder = await createTemporaryFolder();
  const answers = [
    answer(snapshot(3, { a: 1 }), { ...snapshot(3, {}), kind: "delta" }),
    answer(snapshot(3, { a: 7 })),
  ];
  const running = await startClient(t, {
    statePath: join(folder.path, "t.cbor"),
    open: async (since, signal) => answers.shift() ?? await down(since, signal),
  });
  await waitUntil(() => running.applied.length === 2 || undefined, {
    action: "resync",
    timeoutMs: 10_000,
    intervalMs: 2,
  });
  assert.deepEqual(running.applied.map(entriesOf), [{ a: 1 }, { a: 7 }]);
  await running.close();
});

test("startFeedClient() leaves out entries that do not parse and keeps them for a later release", async (t) => {
  const hub = await openHub(t);
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "t.cbor");
  await set(hub, "bad", "text");
  await set(hub, "good", 1);
  const running = await startClient(t, { open: follow(hub), statePath });
  assert.deepEqual(entriesOf(await revisionOf(running, 2)), { good: 1 });
  assert.match(running.lines.join(""), /does not parse and is left out.*"key":"bad"/);
  await running.close();
  const newer = await startFeedClient({
    topic: "t",
    statePath,
    open: down,
    schema: z.union([z.number(), z.string()]),
    apply: () => {},
    log: createLog({ system: "test", write: () => {} }),
    signal: AbortSignal.abort(),
  });
  assert.deepEqual(Object.fromEntries(newer.state.entries), { bad: "text", good: 1 });
});

test("startFeedClient() leaves out a value that is no CBOR, at a restart too", async (t) => {
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "t.cbor");
  const values = new Map([["bad", Uint8Array.of(0xff, 0xff)], ["good", encodeCbor(1)]]);
  const frame: FeedFrame = {
    kind: "snapshot",
    revision: 1,
    digest: createTopicState(1, values).digest,
    entries: [...values],
  };
  const before = await startClient(t, { open: async () => answer(frame), statePath });
  assert.deepEqual(entriesOf(await revisionOf(before, 1)), { good: 1 });
  await before.close();
  const after = await startClient(t, { open: down, statePath });
  assert.deepEqual(after.applied.map(entriesOf), [{ good: 1 }]);
  await after.close();
});

test("startFeedClient() starts from a snapshot when the kept state is damaged or another topic's", async (t) => {
  const hub = await openHub(t);
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "t.cbor");
  await set(hub, "a", 1);
  for (const content of [Uint8Array.of(0xff, 1, 2), encodeCbor({ topic: "other", revision: 1, entries: [] })]) {
    await writeFile(statePath, content);
    const running = await startClient(t, { open: follow(hub), statePath });
    assert.match(running.lines.join(""), /the kept state cannot be used/);
    assert.deepEqual(entriesOf(await revisionOf(running, 1)), { a: 1 });
    await running.close();
  }
});

test("startFeedClient() connects again when the stream ends or cannot be opened", async (t) => {
  await using folder = await createTemporaryFolder();
  const answers = [down, async () => answer(snapshot(1, { a: 1 })), down, async () => answer(snapshot(2, { a: 2 }))];
  const running = await startClient(t, {
    statePath: join(folder.path, "t.cbor"),
    open: (since, signal) => (answers.shift() ?? down)(since, signal),
  });
  assert.deepEqual(entriesOf(await revisionOf(running, 2)), { a: 2 });
  assert.match(running.lines[0] ?? "", /feed t failed, trying again.*connection refused/);
  await running.close();
});

test("startFeedClient() applies again what could not be applied", async (t) => {
  await using folder = await createTemporaryFolder();
  const tries: number[] = [];
  const running = await startClient(t, {
    statePath: join(folder.path, "t.cbor"),
    open: async () => answer(snapshot(1, { a: 1 })),
    apply: (state) => {
      tries.push(state.revision);
      if (tries.length === 1) throw new Error("port in use");
    },
  });
  await waitUntil(() => tries.length > 1 || undefined, { action: "apply again", timeoutMs: 10_000, intervalMs: 2 });
  assert.deepEqual(tries.slice(0, 2), [1, 1]);
  await running.close();
});

test("startFeedClient() keeps what it has when the control plane has lost its database", async (t) => {
  await using folder = await createTemporaryFolder();
  const statePath = join(folder.path, "t.cbor");
  await writeFile(statePath, encodeCbor({ topic: "t", revision: 7, entries: [["a", encodeCbor(1)]] }));
  const emptied = await openHub(t);
  const running = await startClient(t, { open: follow(emptied), statePath });
  await waitUntil(() => running.lines.some((line) => line.includes("has never written to it")) || undefined, {
    action: "hear of the lost database",
    timeoutMs: 5_000,
  });
  assert.deepEqual(running.applied.map(({ revision }) => revision), [7]);
  await set(emptied, "b", 2);
  await waitUntil(() => running.client.state.entries.get("b"), { action: "see the new state", timeoutMs: 5_000 });
  await running.close();
});

test("startFeedClient() hands out steps, and the whole state after one that failed", async (t) => {
  const hub = await openHub(t);
  await using folder = await createTemporaryFolder();
  await set(hub, "a", 1);
  await set(hub, "b", 1);
  const steps: { isWhole: boolean; set: Record<string, number>; removed: readonly string[]; revision: number }[] = [];
  let fails = false;
  const running = await startClient(t, {
    open: follow(hub),
    statePath: join(folder.path, "t.cbor"),
    apply: () => {},
    applyChanges({ isWhole, set: values, removed }, revision) {
      steps.push({ isWhole, set: Object.fromEntries(values), removed, revision });
      if (fails) throw new Error("not now");
    },
  });
  const step = async (count: number) => {
    await waitUntil(() => steps.length >= count || undefined, {
      action: "see a step",
      timeoutMs: 10_000,
      intervalMs: 2,
    });
    return steps[count - 1];
  };
  assert.deepEqual(await step(1), { isWhole: true, set: { a: 1, b: 1 }, removed: [], revision: 2 });
  await set(hub, "a", 2);
  assert.deepEqual(await step(2), { isWhole: false, set: { a: 2 }, removed: [], revision: 3 });
  await set(hub, "b", "no number");
  assert.deepEqual(await step(3), { isWhole: false, set: {}, removed: ["b"], revision: 4 });
  fails = true;
  await set(hub, "c", 3);
  assert.deepEqual(await step(4), { isWhole: false, set: { c: 3 }, removed: [], revision: 5 });
  fails = false;
  const last = await step(5);
  assert.deepEqual([last?.isWhole, last?.set], [true, { a: 2, c: 3 }]);
  await running.close();
});
