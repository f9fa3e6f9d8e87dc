import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestRegistry } from "./open-registry.ts";

/** Media type of OCI image manifests. */
export const imageType = "application/vnd.oci.image.manifest.v1+json";
/** Media type of OCI indexes. */
export const indexType = "application/vnd.oci.image.index.v1+json";

/** The digest of some content. */
export function digestOf(content: string | Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
}

/** A descriptor of some content. */
export function descriptorOf(
  content: string | Uint8Array,
  mediaType: string,
): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: digestOf(content), size: content.length };
}

/** `sizeBytes` bytes that repeat only after a while. */
export function bytes(sizeBytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(sizeBytes);
  for (let index = 0, state = seed; index < sizeBytes; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    content[index] = state >>> 16;
  }
  return content;
}

/** The text of an image manifest of one config and layers, with anything added or replaced. */
export function imageOf(layers: readonly string[], extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: imageType,
    config: descriptorOf("{}", "application/vnd.oci.image.config.v1+json"),
    layers: layers.map((layer) => descriptorOf(layer, "application/vnd.oci.image.layer.v1.tar")),
    ...extra,
  });
}

/** The text of an index over manifests, with anything added or replaced. */
export function indexOf(children: readonly string[], extra: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: indexType,
    manifests: children.map((child) => descriptorOf(child, imageType)),
    ...extra,
  });
}

/** Pushes a blob with a single request; gives its digest. */
export async function pushBlob(
  registry: TestRegistry,
  repository: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<string> {
  const digest = digestOf(content);
  const response = await registry.request(`/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    body: content,
  });
  assert.equal(response.status, 201, await response.text());
  return digest;
}

/** Pushes a manifest as it is; gives the response. */
export function putManifest(
  registry: TestRegistry,
  path: string,
  content: string,
  mediaType = imageType,
): Promise<Response> {
  return registry.request(path, { method: "PUT", body: content, headers: { "content-type": mediaType } });
}

/** Pushes an image of layers with its blobs; gives the manifest's text. */
export async function pushImage(
  registry: TestRegistry,
  name: { readonly repository: string; readonly tag: string },
  layers: readonly string[] = ["layer"],
): Promise<string> {
  for (const content of ["{}", ...layers]) await pushBlob(registry, name.repository, content);
  const manifest = imageOf(layers);
  const response = await putManifest(registry, `/v2/${name.repository}/manifests/${name.tag}`, manifest);
  assert.equal(response.status, 201, await response.text());
  return manifest;
}

/** Asserts an error of the registry API: status, OCI code and a message. */
export async function assertOciError(response: Response, status: number, code: string): Promise<void> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const body = JSON.parse(text);
  assert.equal(body.errors.length, 1);
  assert.equal(body.errors[0].code, code);
  assert.match(body.errors[0].message, /^Cannot .+/);
  assert.ok(body.errors[0].detail.requestId.length > 0);
}
