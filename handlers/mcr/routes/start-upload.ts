import { type Digest, parseDigest, parseDigestAlgorithm } from "../domain/digest.ts";
import { parseRepositoryName, type RepositoryName } from "../domain/name.ts";
import type { RegistryCall, RegistryDependencies } from "../http/registry-call.ts";
import { createdBlob, uploadProgress } from "../http/upload-answers.ts";

/** Starts an upload (end-4a), takes a whole blob at once (end-4b), or adds a blob of another repository (end-11). */
export async function startUpload(call: RegistryCall, deps: RegistryDependencies): Promise<Response> {
  const repository = parseRepositoryName(call.repository);
  const [mount, digest, from] = ["mount", "digest", "from"].map((name) => call.query.get(name));
  const algorithm = parseDigestAlgorithm(call.query.get("digest-algorithm") ?? "sha256");
  const whole = digest ? parseDigest(digest) : undefined;
  const mounted = mount
    ? { digest: parseDigest(mount), from: from ? parseRepositoryName(from) : undefined }
    : undefined;
  call.allow("push", repository);
  if (mounted !== undefined && await mountBlob(call, deps, { ...mounted, to: repository })) {
    return createdBlob(repository, mounted.digest);
  }
  const owner = { repository, username: call.principal.username };
  const upload = await deps.uploads.start(owner, algorithm);
  if (whole === undefined) return uploadProgress(upload, { status: 202, offsetBytes: 0 });
  await deps.uploads.finish(upload, whole, { body: call.body, range: undefined });
  return createdBlob(repository, whole);
}

interface Mount {
  readonly digest: Digest;
  /** Where the blob is; any repository that the caller may pull from unless given. */
  readonly from: RepositoryName | undefined;
  readonly to: RepositoryName;
}

/** Who cannot pull from the source is told the same as when the blob is not there: to upload it. */
async function mountBlob(
  call: RegistryCall,
  { store }: RegistryDependencies,
  { digest, from, to }: Mount,
): Promise<boolean> {
  const holders = from === undefined ? await store.blobs.listHolders(digest) : [from];
  const source = holders.find((holder) => call.mayDo("pull", holder));
  if (source === undefined) return false;
  const { at } = call.audited(to);
  return store.blobs.mount({ from: source, to, digest, at });
}
