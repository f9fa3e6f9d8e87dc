import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { loadMasterKey } from "./master-key.ts";

async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "master-key-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("loadMasterKey() makes a 0600 file once, also when two start at a time", async (context) => {
  const path = join(await temporaryFolder(context), "state", "master-key");
  const keys = await Promise.all([1, 2, 3].map(() => loadMasterKey({ variable: undefined, path })));
  assert.equal(keys[0]?.length, 32);
  assert.deepEqual(keys[1], keys[0]);
  assert.deepEqual(keys[2], keys[0]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await readFile(path, "utf8")).trim(), Buffer.from(keys[0] ?? []).toString("base64"));
});

test("loadMasterKey() prefers the variable and makes no file then", async (context) => {
  const path = join(await temporaryFolder(context), "master-key");
  const key = Buffer.alloc(32, 7);
  assert.deepEqual(await loadMasterKey({ variable: key.toString("base64"), path }), new Uint8Array(key));
  await assert.rejects(stat(path));
});

test("loadMasterKey() refuses what is not 32 bytes and does not replace it", async (context) => {
  const path = join(await temporaryFolder(context), "master-key");
  await writeFile(path, "c2hvcnQ=\n");
  const isRefused = (error: unknown) =>
    error instanceof PlatformError && error.code === "invalid-config" && /5 bytes/.test(error.message);
  await assert.rejects(loadMasterKey({ variable: undefined, path }), isRefused);
  assert.equal(await readFile(path, "utf8"), "c2hvcnQ=\n");
  await assert.rejects(loadMasterKey({ variable: "x", path }), /expected 32 bytes/);
});
