import { createHash, type Hash, randomUUID } from "node:crypto";
import { algorithmOf, type Digest, type DigestAlgorithm } from "./domain/digest.ts";
import type { RepositoryName } from "./domain/name.ts";
import { ociError } from "./domain/oci-error.ts";
import { type ByteRange, formatUploadRange } from "./domain/range.ts";
import type { BodySource } from "./http/body-source.ts";
import { appendStream } from "./storage/append-stream.ts";
import type { BlobStorage } from "./storage/blob-storage.ts";
import { createRunningHashes } from "./storage/running-hashes.ts";
import { createUploadTurns } from "./storage/upload-turns.ts";
import type { McrStore } from "./store.ts";
import type { Upload } from "./store/upload-store.ts";

/** How long an unfinished upload is kept, in milliseconds; requests in the second half of the time start it anew. */
export const uploadLifetimeMs = 24 * 60 * 60 * 1000;

/** Whose upload a request is about. */
export interface UploadOwner {
  readonly repository: RepositoryName;
  readonly username: string;
}

/** A piece of a blob on its way in. */
export interface Chunk {
  readonly body: BodySource;
  /** Where the client says the piece belongs, when it says so. */
  readonly range: ByteRange | undefined;
}

/** Blob uploads, from their start to the blob (OCI distribution-spec, "Pushing blobs"). */
export interface Uploads {
  start(owner: UploadOwner, algorithm: DigestAlgorithm): Promise<Upload>;
  /**
   * The upload session of this owner.
   *
   * @throws {PlatformError} not-found (BLOB_UPLOAD_UNKNOWN) — when it is another's, has ended or never was
   */
  get(owner: UploadOwner, id: string): Promise<Upload>;
  /** How many bytes of the upload are stored. */
  offsetOf(upload: Upload): Promise<number>;
  /**
   * Appends a piece; gives the bytes stored since the start. A piece cut off by the network stays as far as it came.
   *
   * @throws {PlatformError} range-not-satisfiable (BLOB_UPLOAD_INVALID) — when the piece does not continue what is stored; the session goes on
   */
  append(upload: Upload, chunk: Chunk): Promise<number>;
  /**
   * Appends the last piece and makes the whole a blob of the repository. Once this resolves the blob survives a power cut.
   *
   * @throws {PlatformError} digest-mismatch (DIGEST_INVALID) — when the content has another digest; the session is over then;
   *   range-not-satisfiable (BLOB_UPLOAD_INVALID) — as in `append`
   */
  finish(upload: Upload, digest: Digest, chunk: Chunk): Promise<void>;
  /** Ends the session without a blob. */
  cancel(upload: Upload): Promise<void>;
}

/** What uploads need. */
export interface UploadDependencies {
  readonly store: Pick<McrStore, "blobs" | "uploads">;
  readonly storage: BlobStorage;
  readonly now: () => Date;
}

/** The uploads of a registry. */
export function createUploads({ store, storage, now }: UploadDependencies): Uploads {
  const hashes = createRunningHashes();
  const turns = createUploadTurns();
  const expiry = () => new Date(now().getTime() + uploadLifetimeMs).toISOString();

  async function appendChunk(upload: Upload, chunk: Chunk, signal: AbortSignal): Promise<number> {
    await renew(upload);
    const offsetBytes = await storage.sizeOf(upload.id);
    assertContinues(chunk.range, offsetBytes);
    const hash = hashes.take(upload.id, { algorithm: upload.algorithm, offsetBytes });
    let hashedBytes = offsetBytes;
    const onBatch = (bytes: Uint8Array) => {
      hash?.update(bytes);
      hashedBytes += bytes.byteLength;
    };
    const file = await storage.openForAppend(upload.id);
    try {
      return offsetBytes + await appendStream(file, chunk.body.read(signal), { offsetBytes, onBatch });
    } finally {
      await file.close();
      if (hash !== undefined) hashes.keep(upload.id, { algorithm: upload.algorithm, hash, offsetBytes: hashedBytes });
    }
  }

  /** Fails when the session ended while an earlier request had its turn; writes only now and then. */
  async function renew(upload: Upload): Promise<void> {
    const { expiresAt } = await getUpload(upload, upload.id);
    const isHalfOver = Date.parse(expiresAt) - now().getTime() < uploadLifetimeMs / 2;
    if (isHalfOver) await store.uploads.extend(upload.id, expiry());
  }

  async function digestOf(upload: Upload, algorithm: DigestAlgorithm): Promise<string> {
    const sizeBytes = await storage.sizeOf(upload.id);
    const hash = hashes.take(upload.id, { algorithm, offsetBytes: sizeBytes }) ??
      await rehash(upload.id, algorithm, sizeBytes);
    return `${algorithm}:${hash.digest("hex")}`;
  }

  async function rehash(key: string, algorithm: DigestAlgorithm, sizeBytes: number): Promise<Hash> {
    const hash = createHash(algorithm);
    const reader = (await storage.read(key, { first: 0, last: sizeBytes - 1 })).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) hash.update(next.value);
    return hash;
  }

  async function getUpload(owner: UploadOwner, id: string): Promise<Upload> {
    const upload = await store.uploads.find(id);
    if (upload !== undefined && upload.repository === owner.repository && upload.username === owner.username) {
      return upload;
    }
    throw ociError(
      "BLOB_UPLOAD_UNKNOWN",
      `Cannot continue the upload "${id.slice(0, 64)}": it is not known, expected one that was started here`,
    );
  }

  async function drop(upload: Upload): Promise<void> {
    await store.uploads.remove(upload.id);
    await storage.remove(upload.id);
  }

  return {
    async start({ repository, username }, algorithm) {
      const upload = { id: randomUUID(), repository, username, algorithm, expiresAt: expiry() };
      await store.uploads.create(upload);
      return upload;
    },
    get: getUpload,
    offsetOf: (upload) => storage.sizeOf(upload.id),
    append: (upload, chunk) => turns.takeOver(upload.id, (signal) => appendChunk(upload, chunk, signal)),
    finish: (upload, digest, chunk) =>
      turns.takeOver(upload.id, async (signal) => {
        const sizeBytes = await appendChunk(upload, chunk, signal);
        const found = await digestOf(upload, algorithmOf(digest));
        if (found !== digest) {
          await drop(upload);
          throw ociError(
            "DIGEST_INVALID",
            `Cannot store the blob as "${digest}": its content has the digest "${found}"`,
            {
              code: "digest-mismatch",
            },
          );
        }
        await storage.sync(upload.id);
        const { unusedKey } = await store.blobs.link({
          uploadId: upload.id,
          repository: upload.repository,
          digest,
          sizeBytes,
          at: now().toISOString(),
        });
        if (unusedKey !== undefined) await storage.remove(unusedKey);
      }),
    cancel: (upload) => turns.takeOver(upload.id, () => drop(upload)),
  };
}

function assertContinues(range: ByteRange | undefined, offsetBytes: number): void {
  if (range === undefined || range.first === offsetBytes) return;
  throw ociError(
    "BLOB_UPLOAD_INVALID",
    `Cannot continue the upload at byte ${range.first}: ${offsetBytes} bytes are stored, expected the next at ${offsetBytes}`,
    { details: { range: formatUploadRange(offsetBytes) } },
  );
}
