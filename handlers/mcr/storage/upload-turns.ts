import type { PlatformError } from "#shared/errors/platform-error.ts";
import { ociError } from "../domain/oci-error.ts";

/** Sees to it that one request at a time writes an upload. */
export interface UploadTurns {
  /**
   * Runs `work` alone for this upload. A newer request takes over: the earlier one is told to stop by its signal and is waited for, because
   * a client that comes again has lost the connection, whether or not this side has noticed.
   */
  takeOver<T>(uploadId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

interface Turn {
  readonly abort: AbortController;
  readonly ended: Promise<unknown>;
}

/** Turns within this process. */
export function createUploadTurns(): UploadTurns {
  const turns = new Map<string, Turn>();
  return {
    async takeOver(uploadId, work) {
      const earlier = turns.get(uploadId);
      const abort = new AbortController();
      earlier?.abort.abort(takenOver());
      const result = (earlier?.ended ?? Promise.resolve()).then(() => {
        abort.signal.throwIfAborted();
        return work(abort.signal);
      });
      const turn = { abort, ended: result.catch(() => undefined) };
      turns.set(uploadId, turn);
      try {
        return await result;
      } finally {
        if (turns.get(uploadId) === turn) turns.delete(uploadId);
      }
    },
  };
}

function takenOver(): PlatformError {
  return ociError("BLOB_UPLOAD_INVALID", "Cannot go on with this request: a newer request continues the upload", {
    code: "conflict",
  });
}
