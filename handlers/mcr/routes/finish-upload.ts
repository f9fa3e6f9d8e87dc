import { parseDigest } from "../domain/digest.ts";
import { parseRepositoryName } from "../domain/name.ts";
import { parseContentRange } from "../domain/range.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";
import { createdBlob } from "../http/upload-answers.ts";

/** Ends an upload, with or without a last piece, as the blob of a digest (end-6). */
export async function finishUpload(call: RegistryCall, { uploads }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const digest = parseDigest(call.query.get("digest") ?? "");
  call.allow("push", repository);
  const upload = await uploads.get({ repository, username: call.principal.username }, call.target);
  const range = parseContentRange(call.request.headers.get("content-range"));
  await uploads.finish(upload, digest, { body: call.body, range });
  return createdBlob(repository, digest);
}
