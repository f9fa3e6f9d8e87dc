import { parseRepositoryName } from "../domain/name.ts";
import { ociError } from "../domain/oci-error.ts";
import { cutPage, formatNextLink, parsePage } from "../domain/page.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** Lists the tags of a repository in ASCII order (end-8). */
export async function listTags(call: RegistryCall, { store }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const page = parsePage(call.query);
  call.allow("pull", repository);
  const tags = await store.lists.listTags(repository, page);
  if (tags === undefined) {
    throw ociError("NAME_UNKNOWN", `Cannot list the tags of "${repository}": the registry has no such repository`);
  }
  const { rows, hasMore } = cutPage(tags, page);
  const path = `/v2/${repository}/tags/list`;
  const next = hasMore ? { link: formatNextLink(path, { n: String(page.entries), last: rows.at(-1) ?? "" }) } : {};
  return Response.json({ name: repository, tags: rows }, { headers: next });
}
