import assert from "node:assert/strict";
import { test } from "node:test";
import { assertOciError, bytes, digestOf, pushBlob } from "../testing/content.ts";
import { openRegistry, type TestRegistry } from "../testing/open-registry.ts";

const content = bytes(2_500_000);
const digest = digestOf(content);

/** Asks for the blob and reads it to its end, as a body that nobody reads keeps its file open. */
async function readAll(registry: TestRegistry, headers: Readonly<Record<string, string>>): Promise<Response> {
  const response = await registry.request(`/v2/a/blobs/${digest}`, { headers });
  await response.arrayBuffer();
  return response;
}

test("GET gives the bytes, HEAD only their size, both what caches need", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", content);
  for (const method of ["GET", "HEAD"]) {
    const response = await registry.request(`/v2/a/blobs/${digest}`, { method });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), String(content.length));
    assert.equal(response.headers.get("docker-content-digest"), digest);
    assert.equal(response.headers.get("etag"), `"${digest}"`);
    assert.equal(response.headers.get("cache-control"), "private, max-age=31536000, immutable");
    const body = new Uint8Array(await response.arrayBuffer());
    assert.equal(digestOf(body), method === "GET" ? digest : digestOf(""));
  }
});

test("GET with If-None-Match of the digest is answered with 304", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", content);
  for (const value of [`"${digest}"`, `"x", W/"${digest}"`, "*"]) {
    const response = await registry.request(`/v2/a/blobs/${digest}`, { headers: { "if-none-match": value } });
    assert.equal(response.status, 304, value);
  }
  assert.equal((await readAll(registry, { "if-none-match": '"x"' })).status, 200);
});

const ranges = [
  ["bytes=0-9", 0, 9],
  ["bytes=1048570-1048580", 1_048_570, 1_048_580],
  ["bytes=2499990-", 2_499_990, 2_499_999],
  ["bytes=-5", 2_499_995, 2_499_999],
] as const;

for (const [range, first, last] of ranges) {
  test(`GET of ${range} is answered with 206 and those bytes`, async () => {
    await using registry = await openRegistry();
    await pushBlob(registry, "a", content);
    const response = await registry.request(`/v2/a/blobs/${digest}`, { headers: { range } });
    assert.equal(response.status, 206);
    assert.equal(response.headers.get("content-range"), `bytes ${first}-${last}/2500000`);
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), content.slice(first, last + 1));
  });
}

test("GET of a range outside the blob is answered with 416 and the size", async () => {
  await using registry = await openRegistry();
  const small = await pushBlob(registry, "a", bytes(2048));
  for (const range of ["bytes=5000-10000", "bytes=500-0"]) {
    const response = await registry.request(`/v2/a/blobs/${small}`, { headers: { range } });
    assert.equal(response.headers.get("content-range"), "bytes */2048");
    await assertOciError(response, 416, "SIZE_INVALID");
  }
});

test("GET ignores a range for another version, and several ranges", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", content);
  for (const headers of [{ "range": "bytes=0-9", "if-range": '"other"' }, { range: "bytes=0-1,5-6" }]) {
    assert.equal((await readAll(registry, headers)).status, 200);
  }
  assert.equal((await readAll(registry, { "range": "bytes=0-9", "if-range": `"${digest}"` })).status, 206);
});

test("a blob is only seen in repositories that hold it", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "x");
  await assertOciError(await registry.request(`/v2/b/blobs/${digestOf("x")}`), 404, "BLOB_UNKNOWN");
});

test("DELETE removes a blob from its repository at once, and its file with the last one", async () => {
  await using registry = await openRegistry();
  const path = `/v2/a/blobs/${await pushBlob(registry, "a", "x")}`;
  await pushBlob(registry, "b", "x");
  assert.equal((await registry.request(path, { method: "DELETE" })).status, 202);
  assert.equal((await registry.request(path, { method: "HEAD" })).status, 404);
  assert.equal(await (await registry.request(path.replace("/a/", "/b/"))).text(), "x");
  assert.equal((await registry.request(path.replace("/a/", "/b/"), { method: "DELETE" })).status, 202);
  assert.deepEqual(await registry.database.all("SELECT digest FROM blob"), []);
  assert.deepEqual(await registry.mcr.sweep(), { expiredUploads: 0, orphanFiles: 0 });
  await pushBlob(registry, "a", "x");
  assert.equal(await (await registry.request(path)).text(), "x");
});
