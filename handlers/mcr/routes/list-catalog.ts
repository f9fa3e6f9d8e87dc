import { cutPage, formatNextLink, parsePage } from "../domain/page.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** Lists the repositories that hold a manifest (Docker's `_catalog`, which the OCI spec reserves). */
export async function listCatalog(call: RegistryCall, { store }: RegistryDependencies): Promise<Response> {
  const page = parsePage(call.query);
  call.allow("catalog");
  const { rows, hasMore } = cutPage(await store.lists.listRepositories(page), page);
  const next = hasMore
    ? { link: formatNextLink("/v2/_catalog", { n: String(page.entries), last: rows.at(-1) ?? "" }) }
    : {};
  return Response.json({ repositories: rows }, { headers: next });
}
