import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, constantFrom, property, string } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseOperation } from "./operation.ts";

const table = [
  ["GET", "/v2/", "check-version", "", ""],
  ["HEAD", "/v2", "check-version", "", ""],
  ["GET", "/v2/_catalog", "list-catalog", "", ""],
  ["GET", "/v2/a/b/tags/list", "list-tags", "a/b", ""],
  ["GET", "/v2/a/referrers/sha256:x", "list-referrers", "a", "sha256:x"],
  ["POST", "/v2/a/blobs/uploads/", "start-upload", "a", ""],
  ["POST", "/v2/a/blobs/uploads", "start-upload", "a", ""],
  ["PATCH", "/v2/a/blobs/uploads/1", "append-upload", "a", "1"],
  ["PUT", "/v2/a/blobs/uploads/1", "finish-upload", "a", "1"],
  ["GET", "/v2/a/blobs/uploads/1", "get-upload", "a", "1"],
  ["DELETE", "/v2/a/blobs/uploads/1", "cancel-upload", "a", "1"],
  ["HEAD", "/v2/a/blobs/sha256%3Ax", "get-blob", "a", "sha256:x"],
  ["DELETE", "/v2/a/blobs/sha256:x", "delete-blob", "a", "sha256:x"],
  ["GET", "/v2/manifests/manifests/v1", "get-manifest", "manifests", "v1"],
  ["PUT", "/v2/a/tags/list/manifests/v1", "put-manifest", "a/tags/list", "v1"],
  ["DELETE", "/v2/a/manifests/v1", "delete-manifest", "a", "v1"],
] as const;

for (const [method, path, name, repository, target] of table) {
  test(`parseOperation() reads ${method} ${path} as ${name}`, () => {
    assert.deepEqual(parseOperation(method, path), { name, repository, target });
  });
}

test("parseOperation() says which methods a path has", () => {
  assert.throws(() => parseOperation("POST", "/v2/a/blobs/sha256:x"), {
    code: "method-not-allowed",
    details: { allowed: "GET, HEAD, DELETE" },
  });
});

test("parseOperation() refuses unknown paths and broken percent-encoding", () => {
  assert.throws(() => parseOperation("GET", "/v2/a/nothing"), { code: "not-found" });
  assert.throws(() => parseOperation("GET", "/v2/%ff/tags/list"), { code: "invalid-request" });
});

test("parseOperation() throws nothing but platform errors", () => {
  check(property(constantFrom("GET", "PUT", "constructor", "__proto__"), string(), (method, path) => {
    try {
      parseOperation(method, `/v2/${path}`);
    } catch (error) {
      assert.ok(error instanceof PlatformError);
    }
  }));
});
