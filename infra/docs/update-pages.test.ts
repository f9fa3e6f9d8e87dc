import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { listStalePages, updatePages } from "./update-pages.ts";

const pages = { "a.md": "A\n", "reference/b.md": "B\n" };

test("updatePages() writes what is missing or different, and nothing else", async () => {
  await using folder = await createTemporaryFolder();
  assert.deepEqual(await updatePages(folder.path, pages), ["a.md", "reference/b.md"]);
  assert.deepEqual(await listStalePages(folder.path, pages), []);
  await writeFile(join(folder.path, "a.md"), "A, by hand\n");
  assert.deepEqual(await listStalePages(folder.path, pages), ["a.md"]);
  assert.deepEqual(await updatePages(folder.path, pages), ["a.md"]);
  assert.equal(await readFile(join(folder.path, "a.md"), "utf8"), "A\n");
});

test("listStalePages() changes nothing", async () => {
  await using folder = await createTemporaryFolder();
  assert.deepEqual(await listStalePages(folder.path, pages), ["a.md", "reference/b.md"]);
  assert.deepEqual(await listStalePages(folder.path, pages), ["a.md", "reference/b.md"]);
});
