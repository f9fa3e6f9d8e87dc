import { parseDigest } from "../domain/digest.ts";
import { parseRepositoryName } from "../domain/name.ts";
import { formatNextLink, parsePage } from "../domain/page.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";
import type { Referrer } from "../store/list-store.ts";

/** Lists the manifests whose subject is a digest, as an index; empty where nothing is known of it (end-12). */
export async function listReferrers(call: RegistryCall, { store }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const subject = parseDigest(call.target);
  const page = parsePage(call.query);
  const artifactType = call.query.get("artifactType") || null;
  call.allow("pull", repository);
  const { referrers, hasMore } = await store.lists.listReferrers(repository, subject, { artifactType, page });
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const headers = new Headers({ "content-type": mediaType });
  if (artifactType !== null) headers.set("oci-filters-applied", "artifactType");
  if (hasMore) {
    const query = {
      n: String(page.entries),
      last: referrers.at(-1)?.digest ?? "",
      ...(artifactType === null ? {} : { artifactType }),
    };
    headers.set("link", formatNextLink(`/v2/${repository}/referrers/${subject}`, query));
  }
  return new Response(JSON.stringify({ schemaVersion: 2, mediaType, manifests: referrers.map(toDescriptor) }), {
    headers,
  });
}

function toDescriptor({ mediaType, digest, sizeBytes, artifactType, annotations }: Referrer): object {
  return {
    mediaType,
    digest,
    size: sizeBytes,
    ...(artifactType === null ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}
