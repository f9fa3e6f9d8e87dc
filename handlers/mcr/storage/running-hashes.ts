import { createHash, type Hash } from "node:crypto";
import type { DigestAlgorithm } from "../domain/digest.ts";

/** A hash of the first `offsetBytes` bytes of an upload. */
export interface RunningHash {
  readonly algorithm: DigestAlgorithm;
  readonly hash: Hash;
  readonly offsetBytes: number;
}

/** Hashes of unfinished uploads. They are only a shortcut: one that is missing is computed again from the stored bytes. */
export interface RunningHashes {
  /** Takes out the hash of exactly these first bytes, or a fresh one for none; `undefined` when it is not known. */
  take(
    uploadId: string,
    wanted: { readonly algorithm: DigestAlgorithm; readonly offsetBytes: number },
  ): Hash | undefined;
  /** Keeps a hash for the next request of the upload. */
  keep(uploadId: string, running: RunningHash): void;
}

/** Hashes in memory, the oldest dropped beyond `limit`. */
export function createRunningHashes(limit = 1024): RunningHashes {
  const known = new Map<string, RunningHash>();
  return {
    take(uploadId, { algorithm, offsetBytes }) {
      const running = known.get(uploadId);
      known.delete(uploadId);
      if (offsetBytes === 0) return createHash(algorithm);
      return running?.algorithm === algorithm && running.offsetBytes === offsetBytes ? running.hash : undefined;
    },
    keep(uploadId, running) {
      known.set(uploadId, running);
      const oldest = known.keys().next().value;
      if (known.size > limit && oldest !== undefined) known.delete(oldest);
    },
  };
}
