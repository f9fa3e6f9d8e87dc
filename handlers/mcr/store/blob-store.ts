import { z } from "zod";
import { type AuditEvent, recordAudit } from "#shared/store/audit.ts";
import type { Database, Sql } from "#shared/store/database.ts";
import type { Digest } from "../domain/digest.ts";
import { RepositoryName } from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import { ensureRepositoryId } from "./repository-id.ts";
import { textColumn } from "./text-column.ts";

const BlobRow = z.object({ sizeBytes: z.int(), storageKey: z.string() });
/** A stored blob: how large it is and which file holds it. */
export type BlobRow = z.infer<typeof BlobRow>;

/** What {@link BlobStore.link} records: a finished upload. */
export interface FinishedUpload {
  readonly uploadId: string;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly at: string;
}

/** Which blobs exist, and in which repositories. */
export interface BlobStore {
  /** The blob, when the repository holds it. */
  find(repository: RepositoryName, digest: Digest): Promise<BlobRow | undefined>;
  /** Up to 100 repositories that hold a blob, by name. */
  listHolders(digest: Digest): Promise<RepositoryName[]>;
  /**
   * Ends an upload as a blob of its repository. Gives the key of a file that is not needed, as the content was there already.
   *
   * @throws {PlatformError} not-found (BLOB_UPLOAD_UNKNOWN) — when the upload has ended already: its file may be gone
   */
  link(upload: FinishedUpload): Promise<{ readonly unusedKey: string | undefined }>;
  /** Adds a blob of one repository to another; `false` when the first does not hold it. */
  mount(
    options: {
      readonly from: RepositoryName;
      readonly to: RepositoryName;
      readonly digest: Digest;
      readonly at: string;
    },
  ): Promise<boolean>;
  /**
   * Removes a blob from a repository, with its audit line. Gives the key of its file when no repository is left that holds it,
   * or `undefined` in place of it all when the repository does not hold it.
   */
  unlink(
    repository: RepositoryName,
    digest: Digest,
    audit: Omit<AuditEvent, "id">,
  ): Promise<{ readonly unusedKey: string | undefined } | undefined>;
  /** The keys of all files that blobs are in. */
  listKeys(): Promise<Set<string>>;
}

/** The blobs of a database. */
export function createBlobStore(database: Database): BlobStore {
  return {
    find: (repository, digest) => findBlob(database, repository, digest),
    async listHolders(digest) {
      const rows = await database.all(
        "SELECT name FROM repository_blob JOIN repository ON id = repository_id WHERE digest = ? ORDER BY name LIMIT 100",
        [digest],
      );
      return rows.map((row) => RepositoryName.parse(row["name"]));
    },
    link: (upload) => database.transaction((tx) => linkUpload(tx, upload)),
    mount: ({ from, to, digest, at }) =>
      database.transaction(async (tx) => {
        if (await findBlob(tx, from, digest) === undefined) return false;
        await linkBlob(tx, to, digest, at);
        return true;
      }),
    unlink: (repository, digest, audit) => database.transaction((tx) => unlinkBlob(tx, { repository, digest, audit })),
    async listKeys() {
      const rows = await database.all("SELECT storage_key FROM blob");
      return new Set(textColumn(rows, "storage_key"));
    },
  };
}

async function findBlob(sql: Sql, repository: RepositoryName, digest: Digest): Promise<BlobRow | undefined> {
  const row = await sql.first(
    `SELECT size_bytes AS sizeBytes, storage_key AS storageKey
     FROM repository JOIN repository_blob ON repository_id = id JOIN blob USING (digest)
     WHERE name = ? AND digest = ?`,
    [repository, digest],
  );
  return row === undefined ? undefined : BlobRow.parse(row);
}

async function linkUpload(tx: Sql, upload: FinishedUpload): Promise<{ unusedKey: string | undefined }> {
  if (await tx.run("DELETE FROM upload WHERE id = ?", [upload.uploadId]) === 0) {
    throw ociError("BLOB_UPLOAD_UNKNOWN", `Cannot finish the upload "${upload.uploadId}": it has ended already`);
  }
  const added = await tx.run(
    "INSERT INTO blob (digest, size_bytes, storage_key, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
    [upload.digest, upload.sizeBytes, upload.uploadId, upload.at],
  );
  await linkBlob(tx, upload.repository, upload.digest, upload.at);
  return { unusedKey: added === 0 ? upload.uploadId : undefined };
}

async function linkBlob(tx: Sql, repository: RepositoryName, digest: Digest, at: string): Promise<void> {
  const id = await ensureRepositoryId(tx, repository, at);
  await tx.run(
    `INSERT INTO repository_blob (repository_id, digest, linked_at) VALUES (?, ?, ?)
     ON CONFLICT (repository_id, digest) DO UPDATE SET linked_at = excluded.linked_at`,
    [id, digest, at],
  );
}

async function unlinkBlob(
  tx: Sql,
  { repository, digest, audit }: { repository: RepositoryName; digest: Digest; audit: Omit<AuditEvent, "id"> },
): Promise<{ unusedKey: string | undefined } | undefined> {
  const blob = await findBlob(tx, repository, digest);
  if (blob === undefined) return undefined;
  await recordAudit(tx, audit);
  await tx.run(
    "DELETE FROM repository_blob WHERE digest = ? AND repository_id = (SELECT id FROM repository WHERE name = ?)",
    [
      digest,
      repository,
    ],
  );
  const removed = await tx.run(
    "DELETE FROM blob WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM repository_blob AS held WHERE held.digest = blob.digest)",
    [digest],
  );
  return { unusedKey: removed > 0 ? blob.storageKey : undefined };
}
