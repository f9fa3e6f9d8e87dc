import { z } from "zod";
import { type AuditEvent, recordAudit } from "#shared/store/audit.ts";
import type { Database, Sql } from "#shared/store/database.ts";
import { Digest } from "../domain/digest.ts";
import type { Reference, RepositoryName } from "../domain/name.ts";
import { findRepositoryId } from "./repository-id.ts";
import { type PushedManifest, putManifest } from "./put-manifest.ts";

const Head = z.object({ digest: Digest, mediaType: z.string(), sizeBytes: z.int() });
/** A manifest without its bytes. */
export type ManifestHead = z.infer<typeof Head>;

const Stored = Head.extend({ content: z.instanceof(ArrayBuffer).transform((buffer) => new Uint8Array(buffer)) });
/** A manifest with its bytes, exactly as pushed. */
export type StoredManifest = z.infer<typeof Stored>;

/** The manifests of all repositories, with their tags. */
export interface ManifestStore {
  /** A manifest without its bytes, or `undefined`. */
  findHead(repository: RepositoryName, reference: Reference): Promise<ManifestHead | undefined>;
  /** A manifest with its bytes, or `undefined`. */
  find(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined>;
  /**
   * Stores a manifest, its tags and its audit line, all or nothing.
   *
   * @throws {PlatformError} not-found (MANIFEST_BLOB_UNKNOWN) — when the repository lacks a blob or manifest that it references
   */
  put(manifest: PushedManifest): Promise<void>;
  /** Removes a tag alone, or a digest with all its tags, with the audit line; `false` when there is none. */
  remove(repository: RepositoryName, reference: Reference, audit: Omit<AuditEvent, "id">): Promise<boolean>;
}

/** The manifests of a database. */
export function createManifestStore(database: Database): ManifestStore {
  return {
    async findHead(repository, reference) {
      const row = await select(database, "digest, media_type AS mediaType, size_bytes AS sizeBytes", {
        repository,
        reference,
      });
      return row === undefined ? undefined : Head.parse(row);
    },
    async find(repository, reference) {
      const row = await select(database, "digest, media_type AS mediaType, size_bytes AS sizeBytes, content", {
        repository,
        reference,
      });
      return row === undefined ? undefined : Stored.parse(row);
    },
    put: (manifest) => database.transaction((tx) => putManifest(tx, manifest)),
    remove: (repository, reference, audit) =>
      database.transaction(async (tx) => {
        const id = await findRepositoryId(tx, repository);
        const isRemoved = id !== undefined && await removeReference(tx, id, reference);
        if (isRemoved) await recordAudit(tx, audit);
        return isRemoved;
      }),
  };
}

function select(sql: Sql, columns: string, at: { repository: RepositoryName; reference: Reference }) {
  const { repository, reference } = at;
  if ("digest" in reference) {
    return sql.first(
      `SELECT ${columns} FROM repository JOIN repository_manifest ON repository_id = id JOIN manifest USING (digest)
       WHERE repository.name = ? AND digest = ?`,
      [repository, reference.digest],
    );
  }
  return sql.first(
    `SELECT ${columns} FROM repository JOIN tag ON tag.repository_id = id
       JOIN repository_manifest USING (repository_id, digest) JOIN manifest USING (digest)
     WHERE repository.name = ? AND tag.name = ?`,
    [repository, reference.tag],
  );
}

async function removeReference(tx: Sql, repositoryId: number, reference: Reference): Promise<boolean> {
  if ("tag" in reference) {
    return await tx.run("DELETE FROM tag WHERE repository_id = ? AND name = ?", [repositoryId, reference.tag]) > 0;
  }
  // Tags of the digest go with it (ON DELETE CASCADE).
  const removed = await tx.run("DELETE FROM repository_manifest WHERE repository_id = ? AND digest = ?", [
    repositoryId,
    reference.digest,
  ]);
  await tx.run(
    "DELETE FROM manifest WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM repository_manifest AS held WHERE held.digest = manifest.digest)",
    [reference.digest],
  );
  return removed > 0;
}
