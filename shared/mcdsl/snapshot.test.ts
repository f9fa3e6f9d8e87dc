import assert from "node:assert/strict";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "../store/database.ts";
import { openTemporaryDatabase } from "../store/temporary-database.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { snapshotDatabase } from "./snapshot.ts";

const table = { id: "0001-thing", sql: "CREATE TABLE thing (name TEXT) STRICT;" };
const day = (date: number) => new Date(Date.UTC(2026, 0, date, 3, 4, 5));

test("snapshotDatabase() writes a private, complete copy named for its moment", async () => {
  await using folder = await createTemporaryFolder();
  await using database = await openTemporaryDatabase([table]);
  await database.run("INSERT INTO thing VALUES ('kept')");
  const backups = join(folder.path, "backups");
  const path = await snapshotDatabase({ database, name: "mcr", folder: backups, keep: 3, now: day(1) });
  assert.equal(path, join(backups, "mcr-20260101T030405Z.db"));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(backups)).mode & 0o777, 0o700);
  await using copy = await openDatabase({ url: `file:${path}` });
  assert.equal((await copy.first("SELECT name FROM thing"))?.["name"], "kept");
});

test("snapshotDatabase() keeps the newest copies and never touches other files", async () => {
  await using folder = await createTemporaryFolder();
  await using database = await openTemporaryDatabase([table]);
  const others = ["mcr-notes.db", "mcr-old-20200101T000000Z.db", "mcias-20200101T000000Z.db"];
  for (const file of others) await writeFile(join(folder.path, file), "");
  for (const date of [1, 2, 3, 4]) {
    await snapshotDatabase({ database, name: "mcr", folder: folder.path, keep: 2, now: day(date) });
  }
  assert.deepEqual(
    new Set(await readdir(folder.path)),
    new Set([...others, "mcr-20260103T030405Z.db", "mcr-20260104T030405Z.db"]),
  );
});
