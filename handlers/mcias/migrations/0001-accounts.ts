import type { Migration } from "#shared/store/migrate.ts";

/** Tables of accounts, tokens, join tokens and throttles. Moments are milliseconds since 1970. */
export const accountsMigration: Migration = {
  id: "0001-accounts",
  sql: `
    CREATE TABLE account (
      id TEXT PRIMARY KEY,
      username TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL CHECK (kind IN ('human', 'system', 'node')),
      status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
      roles TEXT NOT NULL,
      password_hash TEXT,
      password_version INTEGER NOT NULL DEFAULT 0,
      public_key TEXT,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE token (
      id TEXT PRIMARY KEY,
      account_id TEXT NOT NULL,
      issued_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      revoked_at INTEGER
    ) STRICT;
    CREATE INDEX token_account ON token (account_id);
    CREATE INDEX token_expires_at ON token (expires_at);
    CREATE TABLE join_token (
      hash TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('system', 'node')),
      expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE used_assertion (
      account_id TEXT NOT NULL,
      id TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      PRIMARY KEY (account_id, id)
    ) STRICT;
    CREATE INDEX used_assertion_expires_at ON used_assertion (expires_at);
    CREATE TABLE login_throttle (
      key TEXT PRIMARY KEY,
      failures INTEGER NOT NULL,
      last_failure_at INTEGER NOT NULL,
      blocked_until INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX login_throttle_last_failure_at ON login_throttle (last_failure_at);
    CREATE TABLE signing_key (
      id TEXT PRIMARY KEY,
      public_jwk TEXT NOT NULL,
      sealed_private_jwk BLOB NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
  `,
};
