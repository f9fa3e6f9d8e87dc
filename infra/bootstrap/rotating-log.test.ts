import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openRotatingLog } from "./rotating-log.ts";

test("openRotatingLog() keeps the newest files and stays below the limit", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "rotating-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "logs", "x.log");
  for (const half of [["1111\n", "2222\n", "3333\n"], ["4444\n", "5555\n"]]) {
    using log = openRotatingLog({ path, maxBytes: 8, keep: 2 });
    for (const line of half) log.write(line);
  }
  assert.deepEqual((await readdir(join(folder, "logs"))).sort(), ["x.log", "x.log.1", "x.log.2"]);
  assert.equal(await readFile(path, "utf8"), "5555\n");
  assert.equal(await readFile(`${path}.1`, "utf8"), "4444\n");
  assert.equal(await readFile(`${path}.2`, "utf8"), "3333\n");
});

test("openRotatingLog() drops what comes after its end", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "rotating-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const log = openRotatingLog({ path: join(folder, "x.log") });
  log[Symbol.dispose]();
  log.write("late\n");
  assert.equal(await readFile(join(folder, "x.log"), "utf8"), "");
});
