import { type Digest, parseDigest } from "../domain/digest.ts";
import { parseRepositoryName } from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import { parseByteRange } from "../domain/range.ts";
import { isFresh } from "../http/is-fresh.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** A blob or one range of it (end-2; RFC 9110 §14). */
export async function getBlob(call: RegistryCall, { store, storage }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const digest = parseDigest(call.target);
  call.allow("pull", repository);
  const blob = await store.blobs.find(repository, digest);
  if (blob === undefined) {
    throw ociError("BLOB_UNKNOWN", `Cannot get the blob "${digest}": "${repository}" does not hold it`);
  }
  const headers = blobHeaders(digest);
  if (isFresh(call.request, digest)) return new Response(null, { status: 304, headers });
  const range = rangeOf(call.request, { digest, sizeBytes: blob.sizeBytes });
  const { first, last } = range ?? { first: 0, last: blob.sizeBytes - 1 };
  headers.set("content-length", String(last + 1 - first));
  if (range !== undefined) headers.set("content-range", `bytes ${first}-${last}/${blob.sizeBytes}`);
  const isBodyless = call.request.method === "HEAD" || last < first;
  const body = isBodyless ? null : await storage.read(blob.storageKey, { first, last });
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** Content by digest never changes, but who may see it does: no shared cache may keep it. */
function blobHeaders(digest: Digest): Headers {
  return new Headers({
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    "etag": `"${digest}"`,
    "cache-control": "private, max-age=31536000, immutable",
    "accept-ranges": "bytes",
  });
}

function rangeOf(request: Request, { digest, sizeBytes }: { digest: Digest; sizeBytes: number }) {
  const condition = request.headers.get("if-range");
  if (request.method === "HEAD" || (condition !== null && condition !== `"${digest}"`)) return undefined;
  const range = parseByteRange(request.headers.get("range"), sizeBytes);
  if (range !== "unsatisfiable") return range;
  throw ociError(
    "SIZE_INVALID",
    `Cannot get the range "${request.headers.get("range")}": the blob has ${sizeBytes} bytes, expected a part of them`,
    {
      code: "range-not-satisfiable",
      details: { sizeBytes },
    },
  );
}
