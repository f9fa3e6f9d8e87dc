import { parseDigest } from "../domain/digest.ts";
import { parseRepositoryName } from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** Removes a blob from a repository, and its file once no repository holds it (end-10). */
export async function deleteBlob(call: RegistryCall, { store, storage }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const digest = parseDigest(call.target);
  call.allow("delete", repository);
  const removed = await store.blobs.unlink(repository, digest, call.audited(`${repository}@${digest}`));
  if (removed === undefined) {
    throw ociError("BLOB_UNKNOWN", `Cannot delete the blob "${digest}": "${repository}" does not hold it`);
  }
  if (removed.unusedKey !== undefined) await storage.remove(removed.unusedKey);
  return new Response(null, { status: 202 });
}
