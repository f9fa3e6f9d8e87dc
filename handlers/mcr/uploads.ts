import { randomUUID } from "node:crypto";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { algorithmOf, type Digest, type DigestAlgorithm } from "./domain/digest.ts";
import type { RepositoryName } from "./domain/name.ts";
import { ociError } from "./domain/oci-error.ts";
import { type ByteRange, formatUploadRange } from "./domain/range.ts";
import type { BodySource } from "./http/body-source.ts";
import { appendStream } from "./storage/append-stream.ts";
import type { BlobStorage } from "./storage/blob-storage.ts";
import { hashStored } from "./storage/hash-stored.ts";
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
   * @throws {PlatformError} range-not-satisfiable (BLOB_UPLOAD_INVALID) — when the piece does not continue what is stored; the session goes on;
   *   payload-too-large (SIZE_INVALID) — when the blob grows beyond what is taken; the session is over then
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
  /** Largest blob that is taken. */
  readonly maxBlobBytes: number;
}

/** The uploads of a registry. */
export function createUploads(deps: UploadDependencies): Uploads {
  return new StoredUploads(deps);
}

class StoredUploads implements Uploads {
  readonly #deps: UploadDependencies;
  readonly #hashes = createRunningHashes();
  readonly #turns = createUploadTurns();

  constructor(deps: UploadDependencies) {
    this.#deps = deps;
  }

  async start({ repository, username }: UploadOwner, algorithm: DigestAlgorithm): Promise<Upload> {
    const upload = { id: randomUUID(), repository, username, algorithm, expiresAt: this.#expiry() };
    await this.#deps.store.uploads.create(upload);
    return upload;
  }

  async get(owner: UploadOwner, id: string): Promise<Upload> {
    const upload = await this.#deps.store.uploads.find(id);
    if (upload !== undefined && upload.repository === owner.repository && upload.username === owner.username) {
      return upload;
    }
    throw ociError(
      "BLOB_UPLOAD_UNKNOWN",
      `Cannot continue the upload "${id.slice(0, 64)}": it is not known, expected one that was started here`,
    );
  }

  offsetOf(upload: Upload): Promise<number> {
    return this.#deps.storage.sizeOf(upload.id);
  }

  append(upload: Upload, chunk: Chunk): Promise<number> {
    return this.#takeTurn(upload, (signal) => this.#appendChunk(upload, chunk, signal));
  }

  finish(upload: Upload, digest: Digest, chunk: Chunk): Promise<void> {
    return this.#takeTurn(upload, async (signal) => {
      const sizeBytes = await this.#appendChunk(upload, chunk, signal);
      await this.#assertDigest(upload, digest);
      const { store, storage, now } = this.#deps;
      await storage.sync(upload.id);
      const at = now().toISOString();
      const { unusedKey } = await store.blobs.link({
        uploadId: upload.id,
        repository: upload.repository,
        digest,
        sizeBytes,
        at,
      });
      if (unusedKey !== undefined) await storage.remove(unusedKey);
    });
  }

  cancel(upload: Upload): Promise<void> {
    return this.#takeTurn(upload, () => this.#drop(upload));
  }

  /** Content that can never become the blob is dropped; after any other failure the session goes on. */
  #takeTurn<T>(upload: Upload, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#turns.takeOver(upload.id, async (signal) => {
      try {
        return await work(signal);
      } catch (error) {
        const isHopeless = error instanceof PlatformError &&
          ["digest-mismatch", "payload-too-large"].includes(error.code);
        if (isHopeless) await this.#drop(upload);
        throw error;
      }
    });
  }

  async #appendChunk(upload: Upload, chunk: Chunk, signal: AbortSignal): Promise<number> {
    await this.#renew(upload);
    const { storage, maxBlobBytes } = this.#deps;
    const offsetBytes = await storage.sizeOf(upload.id);
    assertContinues(chunk.range, offsetBytes);
    const { algorithm } = upload;
    const hash = this.#hashes.take(upload.id, { algorithm, offsetBytes });
    let hashedBytes = offsetBytes;
    const onBatch = (bytes: Uint8Array) => {
      hash?.update(bytes);
      hashedBytes += bytes.byteLength;
    };
    const file = await storage.openForAppend(upload.id);
    try {
      const source = limitBytes(chunk.body.read(signal), maxBlobBytes - offsetBytes);
      return offsetBytes + await appendStream(file, source, { offsetBytes, onBatch });
    } finally {
      await file.close();
      if (hash !== undefined) this.#hashes.keep(upload.id, { algorithm, hash, offsetBytes: hashedBytes });
    }
  }

  /** Fails when the session ended while an earlier request had its turn; writes only now and then. */
  async #renew(upload: Upload): Promise<void> {
    const { expiresAt } = await this.get(upload, upload.id);
    const isHalfOver = Date.parse(expiresAt) - this.#deps.now().getTime() < uploadLifetimeMs / 2;
    if (isHalfOver) await this.#deps.store.uploads.extend(upload.id, this.#expiry());
  }

  async #assertDigest(upload: Upload, digest: Digest): Promise<void> {
    const algorithm = algorithmOf(digest);
    const offsetBytes = await this.#deps.storage.sizeOf(upload.id);
    const running = this.#hashes.take(upload.id, { algorithm, offsetBytes });
    const hash = running ?? await hashStored(this.#deps.storage, upload.id, algorithm);
    const found = `${algorithm}:${hash.digest("hex")}`;
    if (found === digest) return;
    throw ociError("DIGEST_INVALID", `Cannot store the blob as "${digest}": its content has the digest "${found}"`, {
      code: "digest-mismatch",
    });
  }

  async #drop(upload: Upload): Promise<void> {
    await this.#deps.store.uploads.remove(upload.id);
    await this.#deps.storage.remove(upload.id);
  }

  #expiry(): string {
    return new Date(this.#deps.now().getTime() + uploadLifetimeMs).toISOString();
  }
}

async function* limitBytes(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterable<Uint8Array> {
  let leftBytes = maxBytes;
  for await (const chunk of source) {
    leftBytes -= chunk.byteLength;
    if (leftBytes < 0) {
      throw ociError("SIZE_INVALID", `Cannot store the blob: it is too large, expected at most ${maxBytes} more bytes`);
    }
    yield chunk;
  }
}

function assertContinues(range: ByteRange | undefined, offsetBytes: number): void {
  if (range === undefined || range.first === offsetBytes) return;
  throw ociError(
    "BLOB_UPLOAD_INVALID",
    `Cannot continue the upload at byte ${range.first}: ${offsetBytes} bytes are stored, expected the next at ${offsetBytes}`,
    { details: { range: formatUploadRange(offsetBytes) } },
  );
}
