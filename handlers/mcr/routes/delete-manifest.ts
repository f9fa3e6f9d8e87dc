import { formatReference, parseReference, parseRepositoryName } from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** Removes a tag alone, or a manifest with all its tags (end-9). */
export async function deleteManifest(call: RegistryCall, { store }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const reference = parseReference(call.target);
  call.allow("delete", repository);
  const named = "tag" in reference ? `${repository}:${reference.tag}` : `${repository}@${reference.digest}`;
  if (!await store.manifests.remove(repository, reference, call.audited(named))) {
    throw ociError(
      "MANIFEST_UNKNOWN",
      `Cannot delete the manifest "${formatReference(reference)}": "${repository}" does not hold it`,
    );
  }
  return new Response(null, { status: 202 });
}
