import { z } from "zod";
import { type ImageRepository, TaggedImage } from "#shared/contract/mcr.ts";
import type { Database } from "#shared/store/database.ts";
import { Digest } from "../domain/digest.ts";
import { RepositoryName, Tag } from "../domain/name.ts";
import { maxPageEntries, type Page } from "../domain/page.ts";
import { findRepositoryId } from "./repository-id.ts";

const ReferrerRow = z.object({
  digest: Digest,
  mediaType: z.string(),
  sizeBytes: z.int(),
  artifactType: z.string().nullable(),
  annotations: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
});
/** A manifest that refers to another. */
export type Referrer = z.infer<typeof ReferrerRow>;

/** Most bytes of annotations in one page of referrers; a single larger one still makes a page. */
const maxAnnotationBytes = 4 * 1024 * 1024;

/** Lists, in ASCII order. Each gives up to one entry more than the page holds, by which the caller sees that there is more. */
export interface ListStore {
  /** Names of repositories that hold a manifest. */
  listRepositories(page: Page): Promise<RepositoryName[]>;
  /** Tags of a repository, or `undefined` when nothing was ever pushed to it. */
  listTags(repository: RepositoryName, page: Page): Promise<Tag[] | undefined>;
  /** Manifests of a repository whose subject is `subject`, by digest; a page may end early to bound its bytes. */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    options: { readonly artifactType: string | null; readonly page: Page },
  ): Promise<{ readonly referrers: Referrer[]; readonly hasMore: boolean }>;
  /** Repositories with their tags. */
  listImages(page: Page): Promise<ImageRepository[]>;
}

/** The lists of a database. */
export function createListStore(database: Database): ListStore {
  const listRepositories = (page: Page) => selectRepositories(database, page);
  return {
    listRepositories,
    async listTags(repository, page) {
      const id = await findRepositoryId(database, repository);
      if (id === undefined) return undefined;
      const rows = await database.all(
        "SELECT name FROM tag WHERE repository_id = ? AND name > ? ORDER BY name LIMIT ?",
        [
          id,
          page.after,
          page.entries + 1,
        ],
      );
      return rows.map((row) => Tag.parse(row["name"]));
    },
    listReferrers: (repository, subject, options) => selectReferrers(database, { repository, subject, ...options }),
    async listImages(page) {
      const names = (await listRepositories(page)).slice(0, page.entries);
      return Promise.all(
        names.map(async (repository) => ({ repository, tags: await selectTaggedImages(database, repository) })),
      );
    },
  };
}

async function selectRepositories(database: Database, page: Page): Promise<RepositoryName[]> {
  const rows = await database.all(
    `SELECT name FROM repository WHERE name > ? AND EXISTS (SELECT 1 FROM repository_manifest WHERE repository_id = id)
     ORDER BY name LIMIT ?`,
    [page.after, page.entries + 1],
  );
  return rows.map((row) => RepositoryName.parse(row["name"]));
}

async function selectTaggedImages(database: Database, repository: RepositoryName): Promise<TaggedImage[]> {
  const rows = await database.all(
    `SELECT tag.name AS tag, tag.digest, size_bytes AS sizeBytes, updated_at AS updatedAt
     FROM repository JOIN tag ON repository_id = id JOIN manifest ON manifest.digest = tag.digest
     WHERE repository.name = ? ORDER BY tag.name LIMIT ?`,
    [repository, maxPageEntries],
  );
  return rows.map((row) => TaggedImage.parse(row));
}

interface ReferrersQuery {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  readonly artifactType: string | null;
  readonly page: Page;
}

async function selectReferrers(
  database: Database,
  query: ReferrersQuery,
): Promise<{ referrers: Referrer[]; hasMore: boolean }> {
  const { repository, subject, artifactType, page } = query;
  // The running sum of annotation bytes ends a page early, without loading what it leaves out.
  const rows = await database.all(
    `SELECT digest, mediaType, sizeBytes, artifactType, CASE WHEN before < ? THEN annotations END AS annotations FROM (
       SELECT digest, media_type AS mediaType, size_bytes AS sizeBytes, artifact_type AS artifactType, annotations,
         COALESCE(SUM(LENGTH(annotations)) OVER (ORDER BY digest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
       FROM repository JOIN repository_manifest ON repository_id = id JOIN manifest USING (digest)
       WHERE repository.name = ? AND subject = ? AND digest > ? AND (? IS NULL OR artifact_type = ?)
       ORDER BY digest LIMIT ?)`,
    [maxAnnotationBytes, repository, subject, page.after, artifactType, artifactType, page.entries + 1],
  );
  const fitting = rows.filter((row) => row["annotations"] !== null).slice(0, page.entries);
  return {
    referrers: fitting.map((row) => ReferrerRow.parse(row)),
    hasMore: page.entries > 0 && fitting.length < rows.length,
  };
}
