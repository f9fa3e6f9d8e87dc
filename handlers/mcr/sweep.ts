import type { Log } from "#shared/log/log.ts";
import type { BlobStorage } from "./storage/blob-storage.ts";
import type { McrStore } from "./store.ts";

/** What a sweep removed. */
export interface SweepReport {
  /** Upload sessions whose time was over. */
  readonly expiredUploads: number;
  /** Files that no upload and no blob owns: left by a crash between a commit and the removal of a file. */
  readonly orphanFiles: number;
}

/**
 * Ends expired uploads and removes files that nothing owns. Safe while the registry serves: a file is made only after its upload's row, so a
 * file listed before the rows are read and missing in them is garbage for ever.
 */
export async function sweep(
  deps: {
    readonly store: Pick<McrStore, "blobs" | "uploads">;
    readonly storage: BlobStorage;
    readonly now: () => Date;
    readonly log: Log;
  },
): Promise<SweepReport> {
  const expired = await deps.store.uploads.removeExpired(deps.now().toISOString());
  const files = await deps.storage.listKeys();
  // An upload becomes a blob in one transaction: read uploads first, so that none falls between the two reads.
  const uploads = await deps.store.uploads.listIds();
  const blobs = await deps.store.blobs.listKeys();
  const orphans = files.filter((key) => !uploads.has(key) && !blobs.has(key));
  for (const key of orphans) await deps.storage.remove(key);
  const report = { expiredUploads: expired.length, orphanFiles: orphans.length };
  if (report.expiredUploads + report.orphanFiles > 0) deps.log.info("swept the blob folder", { ...report });
  return report;
}
