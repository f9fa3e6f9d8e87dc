import { parseRepositoryName } from "../domain/name.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";
import { uploadProgress } from "../http/upload-answers.ts";

/** Says how much of an upload is stored (end-13). */
export async function getUpload(call: RegistryCall, { uploads }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  call.allow("push", repository);
  const upload = await uploads.get({ repository, username: call.principal.username }, call.target);
  return uploadProgress(upload, { status: 204, offsetBytes: await uploads.offsetOf(upload) });
}
