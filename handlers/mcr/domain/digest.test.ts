import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { assert as check, constantFrom, property, string, uint8Array } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { algorithmOf, parseDigest, parseDigestAlgorithm } from "./digest.ts";

test("parseDigest() accepts every digest of the two algorithms", () => {
  check(property(uint8Array(), constantFrom("sha256", "sha512"), (content, algorithm) => {
    const digest = `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
    return parseDigest(digest) === digest && algorithmOf(parseDigest(digest)) === algorithm;
  }));
});

test("parseDigest() refuses what is malformed, in capitals or of another algorithm", () => {
  const texts = [
    "",
    "sha256:",
    "sha256:baddigeststring",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(65)}`,
    `md5:${"a".repeat(32)}`,
  ];
  for (const text of texts) {
    assert.throws(
      () => parseDigest(text),
      (error: PlatformError) => error.details["ociCode"] === "DIGEST_INVALID",
      text,
    );
  }
});

test("parseDigest() throws nothing but platform errors", () => {
  check(property(string(), (text) => {
    try {
      parseDigest(text);
    } catch (error) {
      assert.ok(error instanceof PlatformError);
    }
  }));
});

test("parseDigestAlgorithm() refuses an algorithm that is not computed", () => {
  assert.equal(parseDigestAlgorithm("sha512"), "sha512");
  assert.throws(
    () => parseDigestAlgorithm("md5"),
    (error: PlatformError) => error.details["ociCode"] === "DIGEST_INVALID",
  );
});
