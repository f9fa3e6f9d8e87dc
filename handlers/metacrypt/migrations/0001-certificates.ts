import type { Migration } from "#shared/store/migrate.ts";

/** Tables of the authority, grants and issued certificates. Moments are milliseconds since 1970, certificates DER. */
export const certificatesMigration: Migration = {
  id: "0001-certificates",
  sql: `
    CREATE TABLE authority (
      role TEXT PRIMARY KEY CHECK (role IN ('root', 'issuing')),
      certificate BLOB NOT NULL,
      sealed_key BLOB NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE name_grant (
      account TEXT NOT NULL,
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      PRIMARY KEY (account, owner, name)
    ) STRICT;
    CREATE TABLE certificate (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      serial_number TEXT NOT NULL UNIQUE,
      names TEXT NOT NULL,
      requested_by TEXT NOT NULL,
      issued_at INTEGER NOT NULL,
      not_after INTEGER NOT NULL,
      der BLOB NOT NULL
    ) STRICT;
  `,
};
