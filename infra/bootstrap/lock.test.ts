import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { acquireLock } from "./lock.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

test("acquireLock() refuses while a living process holds it, and names the process", async (context) => {
  const path = join(await temporaryFolder(context), "new", "up.lock");
  const lock = await acquireLock(path);
  await assert.rejects(
    acquireLock(path),
    (error) =>
      error instanceof PlatformError && error.code === "conflict" && error.message.includes(String(process.pid)),
  );
  await lock[Symbol.asyncDispose]();
  await assert.rejects(stat(path));
});

test("acquireLock() takes over from a process that died, also when its number is in use again", async (context) => {
  const path = join(await temporaryFolder(context), "up.lock");
  for (
    const left of [
      JSON.stringify({ pid: process.pid, startTime: "1" }),
      JSON.stringify({ pid: 2 ** 22 - 1, startTime: "1" }),
      "{",
    ]
  ) {
    await writeFile(path, left);
    await using _lock = await acquireLock(path);
    assert.match(await readFile(path, "utf8"), new RegExp(`"pid":${process.pid}`));
  }
});
