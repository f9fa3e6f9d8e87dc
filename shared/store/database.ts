import { chmodSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import { mkdir } from "node:fs/promises";
import { type Client, createClient, type InValue, type Row } from "@libsql/client";
import { PlatformError } from "../errors/platform-error.ts";
import { createSerialQueue } from "../lifecycle/queue.ts";

/** Values bound to the `?` of a statement. */
export type SqlArgs = readonly InValue[];

/** One row, by column name. Rows are outside data: parse them before use. */
export type SqlRow = Row;

/** What both a database and an open transaction can do. */
export interface Sql {
  /** All rows of a statement. */
  all(sql: string, args?: SqlArgs): Promise<SqlRow[]>;
  /** The first row, or `undefined`. */
  first(sql: string, args?: SqlArgs): Promise<SqlRow | undefined>;
  /** Runs a statement; gives the number of changed rows. */
  run(sql: string, args?: SqlArgs): Promise<number>;
}

/** One libSQL database. Reads see committed data only; writes of this process run one after the other. */
export interface Database extends Sql, AsyncDisposable {
  /** Runs `work` in one IMMEDIATE transaction: all of it is committed, or, if it throws, nothing. */
  transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T>;
  /** Writes a consistent copy to a new file (`VACUUM INTO`), with mode 0600. */
  snapshot(path: string): Promise<void>;
}

/** Where a database is: `file:` path, a remote libSQL URL, or a file that follows a remote (`syncUrl`). */
export interface DatabaseOptions {
  /** `file:/path/x.db`, `libsql://…`, `https://…` or `http://…`. */
  readonly url: string;
  /** Token for a remote primary. */
  readonly authToken?: string;
  /** The remote primary of an embedded replica; `url` is then the local file. */
  readonly syncUrl?: string;
}

// synchronous=FULL: what was acknowledged survives a power cut (promise 4 of the design).
const pragmas = [
  "PRAGMA busy_timeout = 5000",
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = FULL",
  "PRAGMA foreign_keys = ON",
];

/**
 * Opens a database, creating a local file with mode 0600.
 *
 * A local file gets two connections, since pragmas hold for a connection: one that reads and one that writes behind a queue.
 * libsql runs statements synchronously, so a second writer of this process would block the event loop that the first needs.
 *
 * @throws {PlatformError} unavailable — when the file or the primary cannot be opened
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  try {
    const isLocal = options.url.startsWith("file:") && options.syncUrl === undefined;
    if (options.url.startsWith("file:")) await mkdir(dirname(localPath(options.url)), { recursive: true });
    const writer = createClient({ ...options, concurrency: isLocal ? 1 : 20 });
    const reader = isLocal ? createClient({ ...options, concurrency: 1 }) : writer;
    if (isLocal) {
      for (const client of [writer, reader]) for (const pragma of pragmas) await client.execute(pragma);
      restrict(localPath(options.url));
    }
    return wrap(reader, writer);
  } catch (cause) {
    throw new PlatformError(
      "unavailable",
      `Cannot open the database "${options.url}", expected a libSQL file or primary`,
      {
        cause,
      },
    );
  }
}

function wrap(reader: Client, writer: Client): Database {
  const writes = createSerialQueue();
  const readSql = toSql(reader);
  return {
    all: (sql, args) => readSql.all(sql, args),
    first: (sql, args) => readSql.first(sql, args),
    run: (sql, args) => writes.run(() => toSql(writer).run(sql, args)),
    transaction: (work) => writes.run(() => runTransaction(writer, work)),
    snapshot: (path) =>
      writes.run(async () => {
        await writer.execute({ sql: "VACUUM INTO ?", args: [path] });
        restrict(path);
      }),
    async [Symbol.asyncDispose]() {
      await writes.run(() => writer.close());
      if (reader !== writer) reader.close();
    },
  };
}

async function runTransaction<T>(writer: Client, work: (tx: Sql) => Promise<T>): Promise<T> {
  const transaction = await writer.transaction("write");
  try {
    const result = await work(toSql(transaction));
    await transaction.commit();
    return result;
  } finally {
    transaction.close();
  }
}

function toSql(executor: Pick<Client, "execute">): Sql {
  const execute = (sql: string, args: SqlArgs = []) => executor.execute({ sql, args: [...args] });
  return {
    all: async (sql, args) => (await execute(sql, args)).rows,
    first: async (sql, args) => (await execute(sql, args)).rows[0],
    run: async (sql, args) => (await execute(sql, args)).rowsAffected,
  };
}

function localPath(url: string): string {
  return url.slice("file:".length);
}

/** Best effort, as rootless mounts may refuse chmod although the file is private already. */
function restrict(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if (existsSync(file)) chmodSync(file, 0o600);
    } catch {
      continue;
    }
  }
}
