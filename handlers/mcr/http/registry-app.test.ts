import assert from "node:assert/strict";
import { test } from "node:test";
import { assertOciError, digestOf, imageOf, imageType, pushImage } from "../testing/content.ts";
import { openRegistry, type TestRequest } from "../testing/open-registry.ts";

const unknown = digestOf("unknown");
const put: TestRequest = { method: "PUT", body: imageOf([]), headers: { "content-type": imageType } };

/** Every operation, with what it needs and whom it answers when all names are unknown. */
const operations: readonly (readonly [string, string, TestRequest, "pull" | "push" | "delete" | "catalog"])[] = [
  ["list-catalog", "/v2/_catalog", {}, "catalog"],
  ["list-tags", "/v2/a/tags/list", {}, "pull"],
  ["list-referrers", `/v2/a/referrers/${unknown}`, {}, "pull"],
  ["get-blob", `/v2/a/blobs/${unknown}`, {}, "pull"],
  ["get-manifest", "/v2/a/manifests/v1", {}, "pull"],
  ["start-upload", "/v2/a/blobs/uploads/", { method: "POST" }, "push"],
  ["get-upload", "/v2/a/blobs/uploads/x", {}, "push"],
  ["append-upload", "/v2/a/blobs/uploads/x", { method: "PATCH" }, "push"],
  ["finish-upload", `/v2/a/blobs/uploads/x?digest=${unknown}`, { method: "PUT" }, "push"],
  ["cancel-upload", "/v2/a/blobs/uploads/x", { method: "DELETE" }, "push"],
  ["put-manifest", "/v2/a/manifests/v1", put, "push"],
  ["delete-manifest", "/v2/a/manifests/v1", { method: "DELETE" }, "delete"],
  ["delete-blob", `/v2/a/blobs/${unknown}`, { method: "DELETE" }, "delete"],
];

for (const [name, path, options, action] of operations) {
  test(`${name} is denied to who may not ${action}, and the denial is audited`, async () => {
    await using registry = await openRegistry();
    const denied = action === "pull" ? ["nobody", "builder"] : ["nobody", "builder", "gast", "rift", "mcp"];
    for (const as of denied) await assertOciError(await registry.request(path, { ...options, as }), 403, "DENIED");
    const events = await registry.audit();
    assert.deepEqual(events.map((event) => event.actor), denied);
    assert.ok(events.every((event) => event.outcome === "denied" && event.code === "forbidden"));
    for (const as of ["root", "alice", ...(action === "pull" ? ["gast", "rift", "mcp"] : [])]) {
      const { status } = await registry.request(path, { ...options, as });
      assert.ok(status < 500 && status !== 401 && status !== 403, `${as}: ${status}`);
    }
  });
}

const malformed = [
  ["GET", "/v2/A/tags/list", 400, "NAME_INVALID"],
  ["GET", `/v2/${"x".repeat(201)}/tags/list`, 400, "NAME_INVALID"],
  ["POST", "/v2/a..b/blobs/uploads/", 400, "NAME_INVALID"],
  ["GET", "/v2/a/manifests/.x", 400, "TAG_INVALID"],
  ["GET", "/v2/a/manifests/sha256:baddigeststring", 400, "DIGEST_INVALID"],
  ["GET", "/v2/a/blobs/sha256:baddigeststring", 400, "DIGEST_INVALID"],
  ["HEAD", "/v2/a/blobs/sha256:baddigeststring", 400, null],
  ["GET", "/v2/a/referrers/sha256:baddigeststring", 400, "DIGEST_INVALID"],
  ["POST", "/v2/a/blobs/uploads/?digest=md5:x", 400, "DIGEST_INVALID"],
  ["POST", "/v2/a/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"],
  ["POST", "/v2/a/blobs/uploads/?mount=x&from=b", 400, "DIGEST_INVALID"],
  ["PUT", "/v2/a/blobs/uploads/x", 400, "DIGEST_INVALID"],
  ["GET", "/v2/a/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"],
  ["GET", "/v2/nothing", 404, "UNSUPPORTED"],
  ["PATCH", "/v2/a/manifests/v1", 405, "UNSUPPORTED"],
  ["GET", "/v2/a/tags/list", 404, "NAME_UNKNOWN"],
  ["GET", "/v2/a/manifests/v1", 404, "MANIFEST_UNKNOWN"],
  ["DELETE", "/v2/a/manifests/v1", 404, "MANIFEST_UNKNOWN"],
  ["GET", `/v2/a/blobs/${unknown}`, 404, "BLOB_UNKNOWN"],
  ["DELETE", `/v2/a/blobs/${unknown}`, 404, "BLOB_UNKNOWN"],
  ["PATCH", "/v2/a/blobs/uploads/x", 404, "BLOB_UPLOAD_UNKNOWN"],
  ["GET", "/v2/a/blobs/uploads/x", 404, "BLOB_UPLOAD_UNKNOWN"],
  ["DELETE", "/v2/a/blobs/uploads/x", 404, "BLOB_UPLOAD_UNKNOWN"],
  ["PUT", `/v2/a/blobs/uploads/x?digest=${unknown}`, 404, "BLOB_UPLOAD_UNKNOWN"],
] as const;

for (const [method, path, status, code] of malformed) {
  test(`${method} ${path.slice(0, 60)} is answered with ${status} ${code}`, async () => {
    await using registry = await openRegistry();
    const response = await registry.request(path, { method });
    if (code === null) assert.equal(response.status, status);
    else await assertOciError(response, status, code);
  });
}

test("changes are audited with who, what and the request's id; reads and uploads are not", async () => {
  await using registry = await openRegistry();
  const digest = digestOf(await pushImage(registry, { repository: "team/web", tag: "v1" }));
  await registry.request("/v2/team/web/manifests/v1");
  const headers = { "x-request-id": "request-1234" };
  await registry.request("/v2/team/web/manifests/v1", { method: "DELETE", headers });
  await registry.request(`/v2/team/web/manifests/${digest}`, { method: "DELETE" });
  await registry.request(`/v2/team/web/blobs/${digestOf("layer")}`, { method: "DELETE" });
  await registry.request("/v2/team/web/manifests/v1", { method: "DELETE" });
  const events = (await registry.audit()).map((
    { actor, action, resource, outcome },
  ) => [actor, action, resource, outcome]);
  assert.deepEqual(events, [
    ["alice", "manifest.put", "team/web:v1", "allowed"],
    ["alice", "manifest.delete", "team/web:v1", "allowed"],
    ["alice", "manifest.delete", `team/web@${digest}`, "allowed"],
    ["alice", "blob.delete", `team/web@${digestOf("layer")}`, "allowed"],
    ["alice", "manifest.delete", "/v2/team/web/manifests/v1", "failed"],
  ]);
  assert.equal((await registry.audit())[1]?.requestId, "request-1234");
});
