import type { Migration } from "#shared/store/migrate.ts";

/** Services, their revisions and deployments; nodes and what they report. */
export const mcpMigration: Migration = {
  id: "0001-mcp",
  sql: `
    CREATE TABLE service (
      name TEXT PRIMARY KEY,
      node TEXT NOT NULL,
      definition TEXT NOT NULL,
      revision INTEGER NOT NULL,
      desired TEXT NOT NULL CHECK (desired IN ('defined', 'running', 'stopped')),
      -- Deployment whose components were last proven to serve; a failure goes back to it.
      active_deployment TEXT,
      -- Deployment whose components the routes point to; NULL means no routes and no names.
      routed_deployment TEXT,
      -- Deployment that is under way; NULL when none is.
      open_deployment TEXT,
      restart_generation INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE revision (
      service TEXT NOT NULL,
      number INTEGER NOT NULL,
      definition TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL,
      PRIMARY KEY (service, number)
    ) STRICT;
    CREATE TABLE deployment (
      id TEXT PRIMARY KEY,
      service TEXT NOT NULL,
      node TEXT NOT NULL,
      kind TEXT NOT NULL,
      revision INTEGER NOT NULL,
      status TEXT NOT NULL,
      components TEXT NOT NULL,
      -- Start time of each instance when the deployment was made, by instance: tells which instances were there before.
      baseline TEXT NOT NULL,
      -- Revision of the routes feed that the proxy must have applied.
      routes_revision INTEGER,
      -- Whether the node was told to let the old instances go.
      released INTEGER NOT NULL DEFAULT 0,
      created_by TEXT NOT NULL,
      created_at TEXT NOT NULL,
      phase_started_at TEXT NOT NULL,
      finished_at TEXT,
      error TEXT
    ) STRICT;
    CREATE INDEX deployment_service ON deployment (service, created_at);
    CREATE TABLE deployment_event (
      deployment_id TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      event TEXT NOT NULL,
      PRIMARY KEY (deployment_id, sequence)
    ) STRICT;
    CREATE TABLE node (
      name TEXT PRIMARY KEY,
      address TEXT NOT NULL,
      version TEXT NOT NULL,
      last_seen_at TEXT NOT NULL,
      applied_revision INTEGER NOT NULL DEFAULT 0,
      proxy_revision INTEGER NOT NULL DEFAULT 0,
      proxy_problems TEXT NOT NULL DEFAULT '{}',
      proxy_draining TEXT NOT NULL DEFAULT '{}'
    ) STRICT;
    CREATE TABLE instance (
      node TEXT NOT NULL,
      instance TEXT NOT NULL,
      service TEXT NOT NULL,
      report TEXT NOT NULL,
      PRIMARY KEY (node, instance)
    ) STRICT;
    CREATE INDEX instance_service ON instance (service);
  `,
};
