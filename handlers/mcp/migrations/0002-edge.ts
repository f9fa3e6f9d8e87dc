import type { Migration } from "#shared/store/migrate.ts";

/** Stored routes, the firewall, and all that proxies report. */
export const edgeMigration: Migration = {
  id: "0002-edge",
  sql: `
    -- The whole report; the older columns have the parts of it that deployments wait for.
    ALTER TABLE node ADD COLUMN proxy_report TEXT;
    ALTER TABLE node ADD COLUMN proxy_reported_at TEXT;
    CREATE TABLE stored_route (
      node TEXT NOT NULL,
      hostname TEXT NOT NULL,
      port INTEGER NOT NULL,
      definition TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL,
      PRIMARY KEY (node, hostname, port)
    ) STRICT;
    CREATE TABLE firewall (
      -- Name of a node, or '*' for what all of them share.
      scope TEXT PRIMARY KEY,
      rules TEXT NOT NULL
    ) STRICT;
  `,
};
