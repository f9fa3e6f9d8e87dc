import type { Database } from "#shared/store/database.ts";
import { type BlobStore, createBlobStore } from "./store/blob-store.ts";
import { createListStore, type ListStore } from "./store/list-store.ts";
import { createManifestStore, type ManifestStore } from "./store/manifest-store.ts";
import { createUploadStore, type UploadStore } from "./store/upload-store.ts";

/** Everything that the registry keeps in its database. Blob contents are files, see `storage/`. */
export interface McrStore {
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly manifests: ManifestStore;
  readonly lists: ListStore;
}

/** The registry's store in a database with the `mcrMigrations`. */
export function createMcrStore(database: Database): McrStore {
  return {
    blobs: createBlobStore(database),
    uploads: createUploadStore(database),
    manifests: createManifestStore(database),
    lists: createListStore(database),
  };
}
