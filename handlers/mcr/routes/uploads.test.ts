import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { assertOciError, bytes, digestOf, pushBlob } from "../testing/content.ts";
import { openRegistry, type TestRegistry } from "../testing/open-registry.ts";

async function start(registry: TestRegistry, query = "", as = "alice"): Promise<string> {
  const response = await registry.request(`/v2/a/b/blobs/uploads/${query}`, { method: "POST", as });
  assert.equal(response.status, 202);
  assert.equal(response.headers.get("range"), "0-0");
  return response.headers.get("location") ?? "";
}

async function countFiles(registry: TestRegistry): Promise<number> {
  const entries = await readdir(registry.blobFolder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
}

for (const [name, sizeBytes] of [["no bytes", 0], ["a few bytes", 10], ["more than two batches", 2_500_000]] as const) {
  for (const algorithm of ["sha256", "sha512"] as const) {
    test(`a blob of ${name} goes up in each of the four ways (${algorithm})`, async () => {
      await using registry = await openRegistry();
      const content = bytes(sizeBytes);
      const digest = digestOf(content, algorithm);
      const single = await registry.request(`/v2/one/blobs/uploads/?digest=${digest}`, {
        method: "POST",
        body: content,
      });
      const whole = await registry.request(`${await start(registry)}?digest=${digest}`, {
        method: "PUT",
        body: content,
      });
      const streamed = await start(registry, `?digest-algorithm=${algorithm}`);
      const patched = await registry.request(streamed, { method: "PATCH", body: new Blob([content]).stream() });
      assert.equal(patched.headers.get("range"), `0-${Math.max(0, sizeBytes - 1)}`);
      const put = await registry.request(`${streamed}?digest=${digest}`, { method: "PUT" });
      // Without digest-algorithm, as clients send it: the hash is computed again from what is stored.
      const plain = await start(registry);
      await registry.request(plain, { method: "PATCH", body: content.slice(0, sizeBytes / 2) });
      const last = await registry.request(`${plain}?digest=${digest}`, {
        method: "PUT",
        body: content.slice(sizeBytes / 2),
      });
      for (const response of [single, whole, put, last]) {
        assert.equal(response.status, 201, await response.text());
        assert.equal(response.headers.get("docker-content-digest"), digest);
        const pulled = await registry.request(response.headers.get("location") ?? "");
        assert.equal(pulled.headers.get("docker-content-digest"), digest);
        assert.equal(digestOf(new Uint8Array(await pulled.arrayBuffer()), algorithm), digest);
      }
      assert.equal(await countFiles(registry), 1);
    });
  }
}

test("a chunk out of order is answered with 416 and the true range, and the upload goes on", async () => {
  await using registry = await openRegistry();
  const location = await start(registry);
  const send = (text: string, range: string, method = "PATCH", query = "") =>
    registry.request(`${location}${query}`, { method, body: text, headers: { "content-range": range } });
  const early = await send("world", "5-9");
  assert.equal(early.headers.get("range"), "0-0");
  await assertOciError(early, 416, "BLOB_UPLOAD_INVALID");
  assert.equal((await send("hello", "0-4")).status, 202);
  for (let round = 0; round < 3; round++) {
    const again = await send("hello", "0-4");
    assert.equal(again.headers.get("range"), "0-4");
    await assertOciError(again, 416, "BLOB_UPLOAD_INVALID");
  }
  await assertOciError(await send("world", "nonsense"), 416, "BLOB_UPLOAD_INVALID");
  const digest = digestOf("helloworld");
  await assertOciError(await send("world", "9-13", "PUT", `?digest=${digest}`), 416, "BLOB_UPLOAD_INVALID");
  const status = await registry.request(location);
  assert.deepEqual([status.status, status.headers.get("range"), status.headers.get("location")], [
    204,
    "0-4",
    location,
  ]);
  assert.equal((await send("world", "5-9", "PUT", `?digest=${digest}`)).status, 201);
});

test("content with another digest is refused, and its upload is over", async () => {
  await using registry = await openRegistry();
  const location = await start(registry);
  await assertOciError(
    await registry.request(`${location}?digest=${digestOf("x")}`, { method: "PUT", body: "y" }),
    400,
    "DIGEST_INVALID",
  );
  await assertOciError(await registry.request(location), 404, "BLOB_UPLOAD_UNKNOWN");
  const single = await registry.request(`/v2/a/blobs/uploads/?digest=${digestOf("x")}`, { method: "POST", body: "y" });
  await assertOciError(single, 400, "DIGEST_INVALID");
  assert.equal(await countFiles(registry), 0);
});

test("a malformed digest leaves the upload as it is", async () => {
  await using registry = await openRegistry();
  const location = await start(registry);
  await assertOciError(
    await registry.request(`${location}?digest=sha256:x`, { method: "PUT", body: "y" }),
    400,
    "DIGEST_INVALID",
  );
  assert.equal((await registry.request(location)).status, 204);
});

test("an upload that is cancelled or finished is over", async () => {
  await using registry = await openRegistry();
  const cancelled = await start(registry);
  await registry.request(cancelled, { method: "PATCH", body: "x" });
  assert.equal((await registry.request(cancelled, { method: "DELETE" })).status, 204);
  await assertOciError(await registry.request(cancelled, { method: "PATCH", body: "x" }), 404, "BLOB_UPLOAD_UNKNOWN");
  assert.equal(await countFiles(registry), 0);
  const finished = await start(registry);
  assert.equal(
    (await registry.request(`${finished}?digest=${digestOf("x")}`, { method: "PUT", body: "x" })).status,
    201,
  );
  await assertOciError(await registry.request(finished, { method: "DELETE" }), 404, "BLOB_UPLOAD_UNKNOWN");
});

test("an upload belongs to who started it, in its repository", async () => {
  await using registry = await openRegistry();
  const location = await start(registry);
  await assertOciError(await registry.request(location, { as: "bob" }), 404, "BLOB_UPLOAD_UNKNOWN");
  await assertOciError(await registry.request(location.replace("/a/b/", "/c/")), 404, "BLOB_UPLOAD_UNKNOWN");
});

test("a source that breaks leaves what came before it", async () => {
  await using registry = await openRegistry();
  const location = await start(registry);
  const broken = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("hello"));
    },
    pull: (controller) => controller.error(new Error("gone")),
  });
  await assertOciError(await registry.request(location, { method: "PATCH", body: broken }), 499, "BLOB_UPLOAD_INVALID");
  assert.equal((await registry.request(location)).headers.get("range"), "0-4");
  const put = await registry.request(`${location}?digest=${digestOf("helloworld")}`, { method: "PUT", body: "world" });
  assert.equal(put.status, 201);
});

test("mount adds a blob of another repository without sending it", async () => {
  await using registry = await openRegistry();
  const digest = await pushBlob(registry, "source", "content");
  const named = await registry.request(`/v2/named/blobs/uploads/?mount=${digest}&from=source`, { method: "POST" });
  assert.deepEqual([named.status, named.headers.get("location")], [201, `/v2/named/blobs/${digest}`]);
  const anywhere = await registry.request(`/v2/any/blobs/uploads/?mount=${digest}`, { method: "POST" });
  assert.equal(anywhere.status, 201);
  for (const repository of ["named", "any"]) {
    assert.equal(await (await registry.request(`/v2/${repository}/blobs/${digest}`)).text(), "content");
  }
});

test("mount of what is not there falls back to an upload", async () => {
  await using registry = await openRegistry();
  const digest = await pushBlob(registry, "source", "content");
  for (const query of [`mount=${digest}&from=other`, `mount=${digestOf("x")}&from=source`, `mount=${digestOf("x")}`]) {
    const response = await registry.request(`/v2/to/blobs/uploads/?${query}`, { method: "POST" });
    assert.equal(response.status, 202, query);
    assert.match(response.headers.get("location") ?? "", /^\/v2\/to\/blobs\/uploads\/[0-9a-f-]{36}$/);
  }
});

test("a blob larger than is taken is refused with 413, and its upload is over", async () => {
  await using registry = await openRegistry({ maxBlobBytes: 10 });
  const fits = await start(registry);
  await registry.request(fits, { method: "PATCH", body: "12345" });
  assert.equal(
    (await registry.request(`${fits}?digest=${digestOf("1234567890")}`, { method: "PUT", body: "67890" })).status,
    201,
  );
  const large = await start(registry);
  await registry.request(large, { method: "PATCH", body: "12345" });
  await assertOciError(await registry.request(large, { method: "PATCH", body: "678901" }), 413, "SIZE_INVALID");
  await assertOciError(await registry.request(large), 404, "BLOB_UPLOAD_UNKNOWN");
  assert.equal(await countFiles(registry), 1);
});
