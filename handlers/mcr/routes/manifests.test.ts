import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertOciError,
  descriptorOf,
  digestOf,
  imageOf,
  imageType,
  indexOf,
  indexType,
  pushBlob,
  pushImage,
  putManifest,
} from "../testing/content.ts";
import { openRegistry } from "../testing/open-registry.ts";

test("a manifest comes back byte for byte, by tag and by digest", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "{}");
  const manifest = imageOf([], { "unknownField": [1, { x: " y " }] }).replace("{", "{ \n\t");
  const put = await putManifest(registry, "/v2/a/manifests/v1", manifest);
  const digest = digestOf(manifest);
  assert.deepEqual([put.status, put.headers.get("location"), put.headers.get("docker-content-digest")], [
    201,
    "/v2/a/manifests/v1",
    digest,
  ]);
  assert.equal(put.headers.has("oci-subject"), false);
  for (const reference of ["v1", digest]) {
    const response = await registry.request(`/v2/a/manifests/${reference}`);
    assert.equal(await response.text(), manifest);
    const head = await registry.request(`/v2/a/manifests/${reference}`, { method: "HEAD" });
    for (const { headers } of [response, head]) {
      assert.equal(headers.get("content-type"), imageType);
      assert.equal(headers.get("content-length"), String(manifest.length));
      assert.equal(headers.get("docker-content-digest"), digest);
      assert.equal(headers.get("etag"), `"${digest}"`);
    }
    const fresh = await registry.request(`/v2/a/manifests/${reference}`, {
      headers: { "if-none-match": `"${digest}"` },
    });
    assert.equal(fresh.status, 304);
  }
});

test("a manifest can be pushed by digest, of both algorithms, with any number of tags", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "{}");
  for (const algorithm of ["sha256", "sha512"] as const) {
    const digest = digestOf(imageOf([]), algorithm);
    const put = await putManifest(registry, `/v2/a/manifests/${digest}?tag=x&tag=y-${algorithm}`, imageOf([]));
    assert.deepEqual([put.status, put.headers.get("location")], [201, `/v2/a/manifests/${digest}`]);
    assert.equal(put.headers.get("oci-tag"), `x, y-${algorithm}`);
    const byTag = await registry.request(`/v2/a/manifests/y-${algorithm}`);
    assert.equal(byTag.headers.get("docker-content-digest"), digest);
    assert.equal(await byTag.text(), imageOf([]));
  }
  const wrong = await putManifest(registry, `/v2/a/manifests/${digestOf("other")}`, imageOf([]));
  await assertOciError(wrong, 400, "DIGEST_INVALID");
  const tags = Array.from({ length: 33 }, (_, index) => `tag=t${index}`).join("&");
  await assertOciError(
    await putManifest(registry, `/v2/a/manifests/${digestOf(imageOf([]))}?${tags}`, imageOf([])),
    400,
    "TAG_INVALID",
  );
});

test("a manifest whose config, layer or child is not in the repository is refused with what is missing", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "other", "layer");
  await pushBlob(registry, "a", "{}");
  const response = await putManifest(registry, "/v2/a/manifests/v1", imageOf(["layer"]));
  assert.deepEqual((await response.clone().json()).errors[0].detail.missing, [digestOf("layer")]);
  await assertOciError(response, 404, "MANIFEST_BLOB_UNKNOWN");
  await assertOciError(
    await putManifest(registry, "/v2/a/manifests/v1", indexOf(["child"]), indexType),
    404,
    "MANIFEST_BLOB_UNKNOWN",
  );
  await assertOciError(await registry.request("/v2/a/manifests/v1"), 404, "MANIFEST_UNKNOWN");
});

test("layers that may not be distributed need not be pushed", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "{}");
  const layers = [descriptorOf("never pushed", "application/vnd.oci.image.layer.nondistributable.v1.tar")];
  assert.equal((await putManifest(registry, "/v2/a/manifests/v1", imageOf([], { layers }))).status, 201);
});

test("indexes nest", async () => {
  await using registry = await openRegistry();
  const image = await pushImage(registry, { repository: "a", tag: "image" });
  const index = indexOf([image]);
  assert.equal((await putManifest(registry, "/v2/a/manifests/index", index, indexType)).status, 201);
  assert.equal((await putManifest(registry, "/v2/a/manifests/outer", indexOf([index]), indexType)).status, 201);
  assert.equal((await putManifest(registry, "/v2/a/manifests/empty", indexOf([]), indexType)).status, 201);
});

test("what is no manifest is refused", async () => {
  await using registry = await openRegistry();
  await assertOciError(await putManifest(registry, "/v2/a/manifests/v1", "{"), 400, "MANIFEST_INVALID");
  await assertOciError(
    await putManifest(registry, "/v2/a/manifests/v1", imageOf([]), "text/plain"),
    400,
    "MANIFEST_INVALID",
  );
});

test("a manifest of 4 MiB is stored, a larger one refused with 413", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "{}");
  const limit = 4 * 1024 * 1024;
  const manifestOf = (sizeBytes: number) => {
    const rest = sizeBytes - imageOf([], { annotations: { x: "" } }).length;
    return imageOf([], { annotations: { x: "y".repeat(rest) } });
  };
  assert.equal((await putManifest(registry, "/v2/a/manifests/v1", manifestOf(limit))).status, 201);
  assert.equal((await (await registry.request("/v2/a/manifests/v1")).text()).length, limit);
  await assertOciError(await putManifest(registry, "/v2/a/manifests/v2", manifestOf(limit + 1)), 413, "SIZE_INVALID");
});

test("a tag moves, and deleting it leaves the manifest", async () => {
  await using registry = await openRegistry();
  const first = digestOf(await pushImage(registry, { repository: "a", tag: "v1" }, ["one"]));
  const second = digestOf(await pushImage(registry, { repository: "a", tag: "v1" }, ["two"]));
  const head = await registry.request("/v2/a/manifests/v1", { method: "HEAD" });
  assert.equal(head.headers.get("docker-content-digest"), second);
  assert.equal((await registry.request("/v2/a/manifests/v1", { method: "DELETE" })).status, 202);
  assert.equal((await registry.request("/v2/a/manifests/v1", { method: "HEAD" })).status, 404);
  for (const digest of [first, second]) assert.equal((await registry.request(`/v2/a/manifests/${digest}`)).status, 200);
});

test("deleting a digest takes all its tags, in its repository only", async () => {
  await using registry = await openRegistry();
  const manifest = await pushImage(registry, { repository: "a", tag: "v1" });
  await pushImage(registry, { repository: "b", tag: "v1" });
  await putManifest(registry, "/v2/a/manifests/v2", manifest);
  assert.equal((await registry.request(`/v2/a/manifests/${digestOf(manifest)}`, { method: "DELETE" })).status, 202);
  for (const reference of ["v1", "v2", digestOf(manifest)]) {
    assert.equal((await registry.request(`/v2/a/manifests/${reference}`, { method: "HEAD" })).status, 404);
  }
  assert.equal((await registry.request("/v2/b/manifests/v1")).status, 200);
  await registry.request(`/v2/b/manifests/${digestOf(manifest)}`, { method: "DELETE" });
  for (const table of ["manifest", "manifest_blob", "tag"]) {
    assert.deepEqual(await registry.database.all(`SELECT 1 FROM ${table}`), []);
  }
});
