import { parseRepositoryName } from "../domain/name.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";

/** Ends an upload without a blob (end-14). */
export async function cancelUpload(call: RegistryCall, { uploads }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  call.allow("push", repository);
  await uploads.cancel(await uploads.get({ repository, username: call.principal.username }, call.target));
  return new Response(null, { status: 204 });
}
