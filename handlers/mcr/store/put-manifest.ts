import { type AuditEvent, recordAudit } from "#shared/store/audit.ts";
import type { Sql } from "#shared/store/database.ts";
import { ociError } from "../domain/oci-error.ts";
import type { Digest } from "../domain/digest.ts";
import type { ManifestFacts } from "../domain/manifest.ts";
import type { RepositoryName, Tag } from "../domain/name.ts";
import { ensureRepositoryId } from "./repository-id.ts";
import { textColumn } from "./text-column.ts";

/** A manifest that is being pushed. */
export interface PushedManifest {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly content: Uint8Array;
  readonly facts: ManifestFacts;
  readonly tags: readonly Tag[];
  readonly audit: Omit<AuditEvent, "id">;
}

/**
 * Stores a manifest within a transaction: what it references is checked by the same writer that links it.
 *
 * @throws {PlatformError} not-found (MANIFEST_BLOB_UNKNOWN) — when the repository lacks a blob or manifest that it references
 */
export async function putManifest(tx: Sql, manifest: PushedManifest): Promise<void> {
  const at = manifest.audit.at;
  const repositoryId = await ensureRepositoryId(tx, manifest.repository, at);
  await assertHeld(tx, { table: "repository_blob", repositoryId, digests: manifest.facts.blobs, manifest });
  await assertHeld(tx, { table: "repository_manifest", repositoryId, digests: manifest.facts.children, manifest });
  await insertContent(tx, manifest);
  await tx.run(
    `INSERT INTO repository_manifest (repository_id, digest, media_type, pushed_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (repository_id, digest) DO UPDATE SET media_type = excluded.media_type, pushed_at = excluded.pushed_at`,
    [repositoryId, manifest.digest, manifest.facts.mediaType, at],
  );
  for (const tag of manifest.tags) {
    await tx.run(
      `INSERT INTO tag (repository_id, name, digest, updated_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at`,
      [repositoryId, tag, manifest.digest, at],
    );
  }
  await recordAudit(tx, manifest.audit);
}

interface Held {
  readonly table: "repository_blob" | "repository_manifest";
  readonly repositoryId: number;
  readonly digests: readonly Digest[];
  readonly manifest: PushedManifest;
}

async function assertHeld(tx: Sql, { table, repositoryId, digests, manifest }: Held): Promise<void> {
  if (digests.length === 0) return;
  const rows = await tx.all(
    `SELECT value FROM json_each(?) WHERE value NOT IN (SELECT digest FROM ${table} WHERE repository_id = ?) LIMIT 16`,
    [JSON.stringify(digests), repositoryId],
  );
  if (rows.length === 0) return;
  const missing = textColumn(rows, "value");
  throw ociError(
    "MANIFEST_BLOB_UNKNOWN",
    `Cannot store the manifest "${manifest.digest}": "${manifest.repository}" lacks ${
      missing.join(", ")
    }, expected them to be pushed before`,
    { details: { missing } },
  );
}

async function insertContent(tx: Sql, { digest, content, facts }: PushedManifest): Promise<void> {
  const added = await tx.run(
    `INSERT INTO manifest (digest, size_bytes, content, subject, artifact_type, annotations) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (digest) DO NOTHING`,
    [
      digest,
      content.byteLength,
      content,
      facts.subject ?? null,
      facts.artifactType ?? null,
      JSON.stringify(facts.annotations),
    ],
  );
  if (added === 0) return;
  const insert = "SELECT ?, value FROM json_each(?)";
  await tx.run(`INSERT INTO manifest_blob (manifest, digest) ${insert}`, [digest, JSON.stringify(facts.blobs)]);
  await tx.run(`INSERT INTO manifest_child (manifest, digest) ${insert}`, [digest, JSON.stringify(facts.children)]);
}
