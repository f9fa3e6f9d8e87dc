import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../store/database.ts";

/** What {@link snapshotDatabase} needs. */
export interface SnapshotOptions {
  readonly database: Database;
  /** Name of the service; part of the file name. */
  readonly name: string;
  /** Folder of the copies, by convention `/srv/<service>/backups`. */
  readonly folder: string;
  /** How many copies stay. */
  readonly keep: number;
  readonly now: Date;
}

/** Writes a consistent copy of a database as `<name>-<UTC time>.db` and removes the oldest beyond `keep`. Gives its path. */
export async function snapshotDatabase(options: SnapshotOptions): Promise<string> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const stamp = options.now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const path = join(options.folder, `${options.name}-${stamp}.db`);
  await options.database.snapshot(path);
  const pattern = new RegExp(`^${options.name}-\\d{8}T\\d{6}Z\\.db$`);
  const copies = (await readdir(options.folder)).filter((file) => pattern.test(file)).sort().reverse();
  for (const old of copies.slice(options.keep)) await rm(join(options.folder, old));
  return path;
}
