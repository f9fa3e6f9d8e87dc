import type { Migration } from "#shared/store/migrate.ts";

/**
 * The registry's tables. `blob.storage_key` names a file by the upload that wrote it, never by digest: nothing is renamed after an upload, and
 * removing an old generation can never hit a newer upload of the same content.
 */
export const registryMigration: Migration = {
  id: "0001-registry",
  sql: `
    CREATE TABLE repository (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE blob (
      digest TEXT PRIMARY KEY,
      size_bytes INTEGER NOT NULL,
      storage_key TEXT NOT NULL UNIQUE,
      created_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE repository_blob (
      repository_id INTEGER NOT NULL REFERENCES repository (id),
      digest TEXT NOT NULL REFERENCES blob (digest),
      linked_at TEXT NOT NULL,
      PRIMARY KEY (repository_id, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX repository_blob_digest ON repository_blob (digest);
    CREATE TABLE manifest (
      digest TEXT PRIMARY KEY,
      size_bytes INTEGER NOT NULL,
      content BLOB NOT NULL,
      subject TEXT,
      artifact_type TEXT,
      annotations TEXT NOT NULL
    ) STRICT;
    CREATE INDEX manifest_subject ON manifest (subject, digest) WHERE subject IS NOT NULL;
    CREATE TABLE manifest_blob (
      manifest TEXT NOT NULL REFERENCES manifest (digest) ON DELETE CASCADE,
      digest TEXT NOT NULL,
      PRIMARY KEY (manifest, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX manifest_blob_digest ON manifest_blob (digest);
    CREATE TABLE manifest_child (
      manifest TEXT NOT NULL REFERENCES manifest (digest) ON DELETE CASCADE,
      digest TEXT NOT NULL,
      PRIMARY KEY (manifest, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX manifest_child_digest ON manifest_child (digest);
    CREATE TABLE repository_manifest (
      repository_id INTEGER NOT NULL REFERENCES repository (id),
      digest TEXT NOT NULL REFERENCES manifest (digest),
      media_type TEXT NOT NULL,
      pushed_at TEXT NOT NULL,
      PRIMARY KEY (repository_id, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX repository_manifest_digest ON repository_manifest (digest);
    CREATE TABLE tag (
      repository_id INTEGER NOT NULL,
      name TEXT NOT NULL,
      digest TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      PRIMARY KEY (repository_id, name),
      FOREIGN KEY (repository_id, digest) REFERENCES repository_manifest (repository_id, digest) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tag_digest ON tag (repository_id, digest);
    CREATE TABLE upload (
      id TEXT PRIMARY KEY,
      repository TEXT NOT NULL,
      username TEXT NOT NULL,
      algorithm TEXT NOT NULL CHECK (algorithm IN ('sha256', 'sha512')),
      expires_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX upload_expires_at ON upload (expires_at);
  `,
};
