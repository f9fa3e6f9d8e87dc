import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadPlatformId } from "./platform-id.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

test("loadPlatformId() makes an id once", async (context) => {
  const path = join(await temporaryFolder(context), "platform-id");
  const id = await loadPlatformId(path);
  assert.match(id, /^[0-9a-f]{12}$/);
  assert.equal(await loadPlatformId(path), id);
  assert.equal(await readFile(path, "utf8"), `${id}\n`);
  await writeFile(path, "not an id!");
  assert.notEqual(await loadPlatformId(path), id);
});
