import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { ociCodeOf, ociError } from "./oci-error.ts";

test("ociError() has the status of its code unless told otherwise", () => {
  assert.equal(ociError("BLOB_UNKNOWN", "Cannot x").httpStatus, 404);
  assert.equal(ociError("DENIED", "Cannot x").httpStatus, 403);
  assert.equal(ociError("SIZE_INVALID", "Cannot x", { code: "range-not-satisfiable" }).httpStatus, 416);
});

test("ociCodeOf() finds a code for errors from elsewhere", () => {
  assert.equal(ociCodeOf(ociError("TAG_INVALID", "Cannot x")), "TAG_INVALID");
  const table = [
    ["invalid-credentials", "UNAUTHORIZED"],
    ["token-expired", "UNAUTHORIZED"],
    ["forbidden", "DENIED"],
    ["rate-limited", "TOOMANYREQUESTS"],
    ["method-not-allowed", "UNSUPPORTED"],
    ["internal", "UNKNOWN"],
    ["unavailable", "UNKNOWN"],
  ] as const;
  for (const [code, expected] of table) assert.equal(ociCodeOf(new PlatformError(code, "Cannot x")), expected, code);
});
