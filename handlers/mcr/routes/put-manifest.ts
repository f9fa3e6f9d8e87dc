import { createHash } from "node:crypto";
import { algorithmOf, type Digest, parseDigest } from "../domain/digest.ts";
import { maxManifestBytes, parseManifest } from "../domain/manifest.ts";
import {
  formatReference,
  parseReference,
  parseRepositoryName,
  parseTag,
  type Reference,
  type Tag,
} from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import { readLimited } from "../http/read-limited.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** Most tags that one request sets. */
const maxTags = 32;

/** Stores a manifest under a tag (end-7a), or under its digest with any number of tags (end-7b). */
export async function putManifest(call: RegistryCall, { store }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const reference = parseReference(call.target);
  const tags = tagsOf(reference, call.query);
  call.allow("push", repository);
  const content = await readContent(call.request);
  const digest = digestOf(content, reference);
  const facts = parseManifest(content, mediaTypeOf(call.request));
  const named = "tag" in reference ? `${repository}:${reference.tag}` : `${repository}@${digest}`;
  await store.manifests.put({ repository, digest, content, facts, tags, audit: call.audited(named) });
  const headers = new Headers({
    "location": `/v2/${repository}/manifests/${formatReference(reference)}`,
    "docker-content-digest": digest,
  });
  if (facts.subject !== undefined) headers.set("oci-subject", facts.subject);
  if ("digest" in reference) { for (const tag of tags) headers.append("oci-tag", tag); }
  return new Response(null, { status: 201, headers });
}

function tagsOf(reference: Reference, query: URLSearchParams): readonly Tag[] {
  if ("tag" in reference) return [reference.tag];
  const tags = [...new Set(query.getAll("tag").map(parseTag))];
  if (tags.length <= maxTags) return tags;
  throw ociError("TAG_INVALID", `Cannot set ${tags.length} tags at once, expected at most ${maxTags}`);
}

async function readContent(request: Request): Promise<Uint8Array> {
  const content = await readLimited(request, maxManifestBytes);
  if (content !== undefined) return content;
  throw ociError(
    "SIZE_INVALID",
    `Cannot store the manifest: it is too large, expected at most ${maxManifestBytes} bytes`,
  );
}

/** Parameters such as a charset are not part of the media type that is answered later. */
function mediaTypeOf(request: Request): string {
  return request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
}

function digestOf(content: Uint8Array, reference: Reference): Digest {
  const algorithm = "digest" in reference ? algorithmOf(reference.digest) : "sha256";
  const digest = parseDigest(`${algorithm}:${createHash(algorithm).update(content).digest("hex")}`);
  if (!("digest" in reference) || reference.digest === digest) return digest;
  throw ociError(
    "DIGEST_INVALID",
    `Cannot store the manifest as "${reference.digest}": its content has the digest "${digest}"`,
    {
      code: "digest-mismatch",
    },
  );
}
