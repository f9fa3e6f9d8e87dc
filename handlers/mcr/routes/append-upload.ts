import { parseRepositoryName } from "../domain/name.ts";
import { parseContentRange } from "../domain/range.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";
import { uploadProgress } from "../http/upload-answers.ts";

/** Appends a piece of known or unknown length to an upload (end-5). */
export async function appendUpload(call: RegistryCall, { uploads }: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  call.allow("push", repository);
  const upload = await uploads.get({ repository, username: call.principal.username }, call.target);
  const range = parseContentRange(call.request.headers.get("content-range"));
  const offsetBytes = await uploads.append(upload, { body: call.body, range });
  return uploadProgress(upload, { status: 202, offsetBytes });
}
