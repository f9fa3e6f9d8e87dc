import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assertOciError, pushBlob } from "./testing/content.ts";
import { openRegistry, type TestRegistry } from "./testing/open-registry.ts";

async function startUpload(registry: TestRegistry): Promise<string> {
  const started = await registry.request("/v2/a/blobs/uploads/", { method: "POST" });
  const location = started.headers.get("location") ?? "";
  await registry.request(location, { method: "PATCH", body: "half" });
  return location;
}

test("sweep() ends uploads of a day ago with their files, and keeps newer ones and blobs", async () => {
  await using registry = await openRegistry();
  const old = await startUpload(registry);
  const digest = await pushBlob(registry, "a", "content");
  registry.setNow(new Date("2026-01-01T12:00:00Z"));
  const young = await startUpload(registry);
  registry.setNow(new Date("2026-01-02T00:00:00Z"));
  assert.deepEqual(await registry.mcr.sweep(), { expiredUploads: 1, orphanFiles: 1 });
  await assertOciError(await registry.request(old), 404, "BLOB_UPLOAD_UNKNOWN");
  assert.equal((await registry.request(young)).headers.get("range"), "0-3");
  assert.equal(await (await registry.request(`/v2/a/blobs/${digest}`)).text(), "content");
});

test("an upload in use in the second half of its day begins a new one", async () => {
  await using registry = await openRegistry();
  const location = await startUpload(registry);
  registry.setNow(new Date("2026-01-01T13:00:00Z"));
  await registry.request(location, { method: "PATCH", body: "more" });
  registry.setNow(new Date("2026-01-02T12:00:00Z"));
  assert.deepEqual(await registry.mcr.sweep(), { expiredUploads: 0, orphanFiles: 0 });
});

test("sweep() removes files that a crash left, and nothing that it did not name", async () => {
  await using registry = await openRegistry();
  await mkdir(join(registry.blobFolder, "aa"), { recursive: true });
  await writeFile(join(registry.blobFolder, "aa/aaaaaaaa-0000-4000-8000-000000000000"), "orphan");
  await writeFile(join(registry.blobFolder, "aa/notes.txt"), "mine");
  await writeFile(join(registry.blobFolder, "notes.txt"), "mine");
  assert.deepEqual(await registry.mcr.sweep(), { expiredUploads: 0, orphanFiles: 1 });
  assert.deepEqual(await readdir(join(registry.blobFolder, "aa")), ["notes.txt"]);
});

test("sweep() has nothing to do in a registry that was never used", async () => {
  await using registry = await openRegistry();
  assert.deepEqual(await registry.mcr.sweep(), { expiredUploads: 0, orphanFiles: 0 });
});
