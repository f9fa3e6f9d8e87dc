import { formatReference, parseReference, parseRepositoryName } from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import { isFresh } from "../http/is-fresh.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** A manifest by tag or digest, byte for byte as it was pushed (end-3). */
export async function getManifest(call: RegistryCall, { store }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const reference = parseReference(call.target);
  call.allow("pull", repository);
  const isHead = call.request.method === "HEAD";
  const stored = isHead ? undefined : await store.manifests.find(repository, reference);
  const manifest = isHead ? await store.manifests.findHead(repository, reference) : stored;
  if (manifest === undefined) {
    throw ociError(
      "MANIFEST_UNKNOWN",
      `Cannot get the manifest "${formatReference(reference)}": "${repository}" does not hold it`,
    );
  }
  const headers = new Headers({
    "content-type": manifest.mediaType,
    "content-length": String(manifest.sizeBytes),
    "docker-content-digest": manifest.digest,
    "etag": `"${manifest.digest}"`,
    // A tag moves and a digest can be deleted: caches ask each time, which a 304 makes cheap.
    "cache-control": "private, no-cache",
  });
  if (isFresh(call.request, manifest.digest)) {
    headers.delete("content-length");
    return new Response(null, { status: 304, headers });
  }
  return new Response(stored?.content ?? null, { headers });
}
