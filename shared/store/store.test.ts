import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { PlatformError } from "../errors/platform-error.ts";
import { auditMigration, listAudit, recordAudit } from "./audit.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { openTemporaryDatabase } from "./temporary-database.ts";

const things = { id: "0001-thing", sql: "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT) STRICT;" };

test("openDatabase() creates private files with foreign keys and WAL on", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  t.after(() => rm(folder, { recursive: true }));
  await using database = await openDatabase({ url: `file:${join(folder, "deep/x.db")}` });
  assert.equal((await database.first("PRAGMA foreign_keys"))?.["foreign_keys"], 1);
  assert.equal((await database.first("PRAGMA journal_mode"))?.["journal_mode"], "wal");
  assert.equal(statSync(join(folder, "deep/x.db")).mode & 0o777, 0o600);
});

test("openDatabase() says which database it cannot open", async () => {
  await assert.rejects(
    openDatabase({ url: "file:/etc/hostname/x.db" }),
    (error: PlatformError) => error.code === "unavailable",
  );
});

test("transaction() commits all or nothing", async () => {
  await using database = await openTemporaryDatabase([things]);
  await assert.rejects(
    database.transaction(async (tx) => {
      await tx.run("INSERT INTO thing (name) VALUES ('a')");
      throw new Error("no");
    }),
    /no/,
  );
  assert.deepEqual(await database.all("SELECT * FROM thing"), []);
  await database.transaction((tx) => tx.run("INSERT INTO thing (name) VALUES ('b')"));
  assert.equal((await database.first("SELECT name FROM thing"))?.["name"], "b");
});

test("transaction() runs writers one after the other while readers see committed data", async () => {
  await using database = await openTemporaryDatabase([things]);
  await Promise.all(
    Array.from({ length: 20 }, () =>
      database.transaction(async (tx) => {
        const count = Number((await tx.first("SELECT count(*) AS n FROM thing"))?.["n"]);
        await Promise.resolve();
        await tx.run("INSERT INTO thing (id, name) VALUES (?, 'x')", [count + 1]);
        assert.ok(Number((await database.first("SELECT count(*) AS n FROM thing"))?.["n"]) <= count);
      })),
  );
  assert.equal((await database.first("SELECT max(id) AS n FROM thing"))?.["n"], 20);
});

test("migrate() is idempotent and refuses a database of a newer release", async () => {
  await using database = await openTemporaryDatabase([things]);
  await migrate(database, [things]);
  await assert.rejects(migrate(database, []), (error: PlatformError) => error.code === "conflict");
});

test("snapshot() writes a private, complete copy", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  t.after(() => rm(folder, { recursive: true }));
  await using database = await openTemporaryDatabase([things]);
  await database.run("INSERT INTO thing (name) VALUES ('kept')");
  await database.snapshot(join(folder, "copy.db"));
  await using copy = await openDatabase({ url: `file:${join(folder, "copy.db")}` });
  assert.equal((await copy.first("SELECT name FROM thing"))?.["name"], "kept");
  assert.equal(statSync(join(folder, "copy.db")).mode & 0o777, 0o600);
});

test("listAudit() gives the newest events first and continues below an id", async () => {
  await using database = await openTemporaryDatabase([auditMigration]);
  const event = {
    at: "2026-01-01",
    actor: null,
    action: "login",
    resource: "alice",
    outcome: "denied",
    code: "invalid-credentials",
    requestId: "r",
    clientIp: null,
  } as const;
  await recordAudit(database, event);
  await recordAudit(database, { ...event, actor: "alice", outcome: "allowed", code: null });
  const [newest] = await listAudit(database, { limit: 1 });
  assert.equal(newest?.outcome, "allowed");
  assert.deepEqual((await listAudit(database, { limit: 5, before: newest?.id ?? 0 })).map((e) => e.outcome), [
    "denied",
  ]);
});
