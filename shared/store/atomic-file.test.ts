import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { writeFileAtomically } from "./atomic-file.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

test("writeFileAtomically() creates a private file and its folder", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "deep", "er", "state");
  await writeFileAtomically(path, "one");
  assert.equal(await readFile(path, "utf8"), "one");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("writeFileAtomically() replaces content and mode", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "state");
  await writeFile(path, "an older and longer text");
  await writeFileAtomically(path, Uint8Array.of(1, 2), 0o640);
  assert.deepEqual([...await readFile(path)], [1, 2]);
  assert.equal((await stat(path)).mode & 0o777, 0o640);
});

test("writeFileAtomically() leaves the old content and nothing else when it fails", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "taken");
  await mkdir(path);
  await writeFile(join(path, "kept"), "");
  await assert.rejects(writeFileAtomically(path, "new"));
  assert.deepEqual(await readdir(folder.path), ["taken"]);
  assert.deepEqual(await readdir(path), ["kept"]);
});

test("writeFileAtomically() shows one whole content to readers while many write", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "state");
  const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000));
  await writeFileAtomically(path, contents[0] ?? "");
  const writes = Promise.all(contents.map((content) => writeFileAtomically(path, content)));
  for (let read = 0; read < 20; read++) assert.ok(contents.includes(await readFile(path, "utf8")));
  await writes;
  assert.deepEqual(await readdir(folder.path), ["state"]);
});
