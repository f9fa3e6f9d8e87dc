import type { Migration } from "#shared/store/migrate.ts";

/** Zones, their records, and the serial that each name has ever reached. */
export const zonesMigration: Migration = {
  id: "0001-zones",
  sql: `
    CREATE TABLE zone (
      name TEXT PRIMARY KEY,
      primary_server TEXT NOT NULL,
      admin_mailbox TEXT NOT NULL,
      refresh_seconds INTEGER NOT NULL,
      retry_seconds INTEGER NOT NULL,
      expire_seconds INTEGER NOT NULL,
      minimum_seconds INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE zone_serial (zone TEXT PRIMARY KEY, serial INTEGER NOT NULL) STRICT;
    CREATE TABLE record (
      id TEXT PRIMARY KEY,
      zone TEXT NOT NULL REFERENCES zone (name) ON DELETE CASCADE,
      name TEXT NOT NULL,
      type TEXT NOT NULL,
      value TEXT NOT NULL,
      ttl_seconds INTEGER NOT NULL,
      owner TEXT NOT NULL,
      source TEXT NOT NULL CHECK (source IN ('static', 'derived'))
    ) STRICT;
    CREATE UNIQUE INDEX record_static ON record (zone, name, type, value) WHERE source = 'static';
    CREATE UNIQUE INDEX record_derived ON record (zone, owner, name, type, value) WHERE source = 'derived';
  `,
};
