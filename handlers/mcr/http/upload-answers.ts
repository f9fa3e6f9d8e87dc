import type { Digest } from "../domain/digest.ts";
import type { RepositoryName } from "../domain/name.ts";
import { formatUploadRange } from "../domain/range.ts";
import type { Upload } from "../store/upload-store.ts";

/** Where an upload goes on and how much of it is stored. */
export function uploadProgress(
  upload: Upload,
  { status, offsetBytes }: { status: 202 | 204; offsetBytes: number },
): Response {
  return new Response(null, {
    status,
    headers: {
      "location": `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
      "range": formatUploadRange(offsetBytes),
      "docker-upload-uuid": upload.id,
    },
  });
}

/** A blob that can be pulled from now on. */
export function createdBlob(repository: RepositoryName, digest: Digest): Response {
  return new Response(null, {
    status: 201,
    headers: { "location": `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest },
  });
}
