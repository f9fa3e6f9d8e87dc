import { z } from "zod";
import type { Sql } from "../store/database.ts";
import type { Migration } from "../store/migrate.ts";
import { encodeCbor } from "../wire/cbor.ts";
import { emptyDigest, type FeedFrame, mixDigest } from "./frame.ts";

/** Tables of the feed; each system with a feed lists this among its migrations. */
export const feedMigration: Migration = {
  id: "0000-feed",
  sql: `
    CREATE TABLE feed_head (topic TEXT PRIMARY KEY, revision INTEGER NOT NULL, digest BLOB NOT NULL) STRICT;
    CREATE TABLE feed_entry (topic TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (topic, key)) STRICT;
    CREATE TABLE feed_change (
      revision INTEGER PRIMARY KEY AUTOINCREMENT,
      topic TEXT NOT NULL,
      key TEXT NOT NULL,
      value BLOB
    ) STRICT;
    CREATE INDEX feed_change_topic ON feed_change (topic, revision);
  `,
};

/** A change of one key; without a value the key goes. */
export interface FeedChange {
  readonly key: string;
  readonly value?: unknown;
}

/** Changes further back than this many revisions are compacted away; a subscriber that far behind gets a snapshot. */
export const keptRevisions = 5_000;

const Blob = z.instanceof(ArrayBuffer).transform((buffer) => new Uint8Array(buffer));
const Head = z.object({ revision: z.int(), digest: Blob });
const Entry = z.object({ key: z.string(), value: Blob.nullable() });

/**
 * Appends changes to a topic, inside the transaction that makes them true. Changes that change nothing are left out.
 * Gives the topic's revision afterwards.
 */
export async function appendFeed(tx: Sql, topic: string, changes: readonly FeedChange[]): Promise<number> {
  const head = await readHead(tx, topic);
  let { revision, digest } = head;
  for (const change of changes) {
    const old = await readEntry(tx, topic, change.key);
    const value = change.value === undefined ? undefined : encodeCbor(change.value);
    if (isSame(old, value)) continue;
    if (old !== undefined) digest = mixDigest(digest, change.key, old);
    if (value !== undefined) digest = mixDigest(digest, change.key, value);
    revision = await writeChange(tx, topic, change.key, value);
  }
  if (revision !== head.revision) {
    await tx.run("INSERT OR REPLACE INTO feed_head (topic, revision, digest) VALUES (?, ?, ?)", [
      topic,
      revision,
      digest,
    ]);
    await tx.run("DELETE FROM feed_change WHERE topic = ? AND revision <= ?", [topic, revision - keptRevisions]);
  }
  return revision;
}

/** The topic's newest revision, 0 when nothing was ever appended. */
export async function readRevision(sql: Sql, topic: string): Promise<number> {
  return (await readHead(sql, topic)).revision;
}

/** What a subscriber at revision `since` needs: the delta, or a snapshot when `since` is 0, unknown or compacted away. */
export async function readFrame(sql: Sql, topic: string, since: number): Promise<FeedFrame> {
  const head = await readHead(sql, topic);
  if (since === head.revision) return { kind: "delta", ...head, entries: [] };
  const isDelta = since > 0 && since < head.revision && since >= head.revision - keptRevisions;
  const rows = isDelta
    ? await sql.all(
      `SELECT key, value FROM feed_change WHERE revision IN
         (SELECT max(revision) FROM feed_change WHERE topic = ? AND revision > ? AND revision <= ? GROUP BY key)
       ORDER BY revision`,
      [topic, since, head.revision],
    )
    : await sql.all("SELECT key, value FROM feed_entry WHERE topic = ? ORDER BY key", [topic]);
  const entries = rows.map((row) => Entry.parse(row)).map((
    entry,
  ): [string, Uint8Array | null] => [entry.key, entry.value]);
  return { kind: isDelta ? "delta" : "snapshot", ...head, entries };
}

async function readHead(sql: Sql, topic: string): Promise<{ revision: number; digest: Uint8Array }> {
  const row = await sql.first("SELECT revision, digest FROM feed_head WHERE topic = ?", [topic]);
  return row === undefined ? { revision: 0, digest: emptyDigest() } : Head.parse(row);
}

async function readEntry(tx: Sql, topic: string, key: string): Promise<Uint8Array | undefined> {
  const row = await tx.first("SELECT key, value FROM feed_entry WHERE topic = ? AND key = ?", [topic, key]);
  return row === undefined ? undefined : Entry.parse(row).value ?? undefined;
}

async function writeChange(tx: Sql, topic: string, key: string, value: Uint8Array | undefined): Promise<number> {
  if (value === undefined) await tx.run("DELETE FROM feed_entry WHERE topic = ? AND key = ?", [topic, key]);
  else await tx.run("INSERT OR REPLACE INTO feed_entry (topic, key, value) VALUES (?, ?, ?)", [topic, key, value]);
  const row = await tx.first("INSERT INTO feed_change (topic, key, value) VALUES (?, ?, ?) RETURNING revision", [
    topic,
    key,
    value ?? null,
  ]);
  return z.object({ revision: z.int() }).parse(row).revision;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Makes a topic hold exactly `entries`: appends what differs, and removals of all other keys that start with `prefix`. */
export async function replaceFeed(
  tx: Sql,
  topic: string,
  entries: ReadonlyMap<string, unknown>,
  prefix = "",
): Promise<number> {
  const rows = await tx.all("SELECT key, value FROM feed_entry WHERE topic = ? ORDER BY key", [topic]);
  const known = new Map(rows.map((row) => Entry.parse(row)).map(({ key, value }) => [key, value ?? undefined]));
  const removed = [...known.keys()].filter((key) => key.startsWith(prefix) && !entries.has(key)).map((key) => ({
    key,
  }));
  // Most entries are as they were: looked at here, since each change costs queries of its own.
  const changed = [...entries].filter(([key, value]) => !isSame(known.get(key), encodeCbor(value)));
  return await appendFeed(tx, topic, [...removed, ...changed.map(([key, value]) => ({ key, value }))]);
}
