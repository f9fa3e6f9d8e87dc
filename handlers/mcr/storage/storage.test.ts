import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { array, assert as check, asyncProperty, nat, uint8Array } from "fast-check";
import { bytes, digestOf } from "../testing/content.ts";
import { appendStream } from "./append-stream.ts";
import { createFileStorage } from "./blob-storage.ts";
import { createRunningHashes } from "./running-hashes.ts";
import { createUploadTurns } from "./upload-turns.ts";

const key = "0a000000-0000-4000-8000-000000000000";

async function openFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mcr-storage-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function* yieldAll(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

test("appendStream() writes and shows exactly what the source yields, wherever its chunks end", async (t) => {
  const folder = await openFolder(t);
  const storage = createFileStorage(folder);
  const chunk = uint8Array({ maxLength: 64 });
  await check(
    asyncProperty(array(chunk), nat(1000), async (chunks, large) => {
      await storage.remove(key);
      const all = [...chunks, bytes(1_048_000 + large)];
      const expected = digestOf(new Uint8Array(await new Blob(all.map((each) => each.slice())).arrayBuffer()));
      const hash = createHash("sha256");
      await using file = await storage.openForAppend(key);
      const written = await appendStream(file, yieldAll(all), {
        offsetBytes: 0,
        onBatch: (batch) => void hash.update(batch),
      });
      assert.equal(written, await storage.sizeOf(key));
      assert.equal(`sha256:${hash.digest("hex")}`, expected);
      assert.equal(digestOf(await readFile(join(folder, "0a", key))), expected);
    }),
    { numRuns: 25 },
  );
});

test("appendStream() passes on a failed write", async (t) => {
  const folder = await openFolder(t);
  const storage = createFileStorage(folder);
  const file = await storage.openForAppend(key);
  await file.close();
  await assert.rejects(appendStream(file, yieldAll([bytes(3_000_000)]), { offsetBytes: 0, onBatch: () => undefined }));
});

test("createFileStorage() keeps files private and reads back any range", async (t) => {
  const folder = await openFolder(t);
  const storage = createFileStorage(join(folder, "deep/blobs"));
  assert.equal(await storage.sizeOf(key), 0);
  const content = bytes(2_200_000);
  const file = await storage.openForAppend(key);
  await appendStream(file, yieldAll([content]), { offsetBytes: 0, onBatch: () => undefined });
  await file.close();
  await storage.sync(key);
  assert.equal((await stat(join(folder, "deep/blobs/0a", key))).mode & 0o777, 0o600);
  for (const [first, last] of [[0, 0], [0, 2_199_999], [1_048_575, 1_048_577], [2_199_999, 2_199_999]] as const) {
    const read = new Uint8Array(await new Response(await storage.read(key, { first, last })).arrayBuffer());
    assert.deepEqual(read, content.slice(first, last + 1));
  }
  assert.deepEqual(await storage.listKeys(), [key]);
  await storage.remove(key);
  await storage.remove(key);
  await assert.rejects(storage.read(key, { first: 0, last: 1 }));
});

test("read() breaks off rather than pass a shortened file for the whole", async (t) => {
  const folder = await openFolder(t);
  const storage = createFileStorage(folder);
  const file = await storage.openForAppend(key);
  await file.write(bytes(100));
  await file.close();
  await truncate(join(folder, "0a", key), 50);
  await assert.rejects(new Response(await storage.read(key, { first: 0, last: 99 })).arrayBuffer());
});

test("read() closes its file when the reader goes", async (t) => {
  const folder = await openFolder(t);
  const storage = createFileStorage(folder);
  const file = await storage.openForAppend(key);
  await file.write(bytes(100));
  await file.close();
  await (await storage.read(key, { first: 0, last: 99 })).cancel();
});

test("createRunningHashes() gives a hash out once, and only for the very bytes it has seen", () => {
  const hashes = createRunningHashes(2);
  const keep = (id: string) =>
    hashes.keep(id, { algorithm: "sha256", hash: createHash("sha256").update("x"), offsetBytes: 1 });
  keep("a");
  assert.ok(hashes.take("a", { algorithm: "sha256", offsetBytes: 1 }));
  assert.equal(hashes.take("a", { algorithm: "sha256", offsetBytes: 1 }), undefined);
  keep("a");
  assert.equal(hashes.take("a", { algorithm: "sha256", offsetBytes: 2 }), undefined);
  keep("a");
  assert.equal(hashes.take("a", { algorithm: "sha512", offsetBytes: 1 }), undefined);
  for (const id of ["a", "b", "c"]) keep(id);
  assert.equal(
    hashes.take("a", { algorithm: "sha256", offsetBytes: 1 }),
    undefined,
    "the oldest beyond the limit is dropped",
  );
  assert.ok(hashes.take("c", { algorithm: "sha256", offsetBytes: 1 }));
});

test("createUploadTurns() stops an earlier request, waits for it, and keeps uploads apart", async () => {
  const turns = createUploadTurns();
  const events: string[] = [];
  const first = turns.takeOver("a", (signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        events.push("first ends");
        reject(signal.reason);
      });
    }));
  const refused = assert.rejects(first, { code: "conflict" });
  assert.equal(await turns.takeOver("b", async () => "other"), "other");
  assert.equal(await turns.takeOver("a", async () => (events.push("second runs"), "second")), "second");
  await refused;
  assert.deepEqual(events, ["first ends", "second runs"]);
});
