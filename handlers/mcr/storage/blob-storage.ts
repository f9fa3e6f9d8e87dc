import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ByteRange } from "../domain/range.ts";
import { readRange } from "./read-range.ts";
import { syncFolder } from "./sync-folder.ts";

/** Contents of blobs and uploads: one growing file for each upload, kept under the same key once it is a blob. */
export interface BlobStorage {
  /** How many bytes are stored under a key; 0 when nothing is. */
  sizeOf(key: string): Promise<number>;
  /** The file of a key, made when missing, for appending. The caller closes it. */
  openForAppend(key: string): Promise<FileHandle>;
  /** The bytes of a range, in pieces of at most 1 MiB. Rejects when the file is missing. */
  read(key: string, range: ByteRange): Promise<ReadableStream<Uint8Array>>;
  /** Makes all that is stored under a key survive a power cut. An empty upload becomes an empty file. */
  sync(key: string): Promise<void>;
  /** Removes a key; nothing happens when it is missing. */
  remove(key: string): Promise<void>;
  /** All keys that have a file; files with names that this storage does not give are left alone. */
  listKeys(): Promise<string[]>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Storage in files `<folder>/<first two characters of the key>/<key>`, mode 0600. The folder is made on first use. */
export function createFileStorage(folder: string): BlobStorage {
  const pathOf = (key: string) => join(folder, key.slice(0, 2), key);
  const openForAppend = async (key: string) => {
    const path = pathOf(key);
    await makeShard(folder, dirname(path));
    // "r+" after creating: with "a", Linux ignores the position of a write.
    await (await open(path, "a", 0o600)).close();
    return open(path, "r+");
  };
  return {
    openForAppend,
    read: (key, range) => readRange(pathOf(key), range),
    sizeOf: async (key) => (await stat(pathOf(key)).catch(ignoreMissing))?.size ?? 0,
    async sync(key) {
      const file = await openForAppend(key);
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
      await syncFolder(dirname(pathOf(key)));
    },
    remove: (key) => rm(pathOf(key), { force: true }),
    async listKeys() {
      const shards = await readdir(folder).catch(ignoreMissing) ?? [];
      const names = await Promise.all(shards.map((shard) => readdir(join(folder, shard)).catch(ignoreMissing)));
      return names.flatMap((keys) => keys ?? []).filter((key) => uuid.test(key));
    },
  };
}

async function makeShard(folder: string, shard: string): Promise<void> {
  const firstMade = await mkdir(shard, { recursive: true, mode: 0o700 });
  if (firstMade === undefined) return;
  await syncFolder(folder);
  if (firstMade !== shard) await syncFolder(dirname(firstMade));
}

function ignoreMissing(error: unknown): undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw error;
}
