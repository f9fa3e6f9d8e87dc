import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, property, string, stringMatching } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { formatReference, parseImageReference, parseReference, parseRepositoryName, parseTag } from "./name.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("parseRepositoryName() accepts what the specification's grammar does", () => {
  for (const name of ["a", "a/b/c", "a.b", "a_b", "a__b", "a---b", "0/9", "x".repeat(200)]) {
    assert.equal(parseRepositoryName(name), name);
  }
});

test("parseRepositoryName() refuses everything else with NAME_INVALID", () => {
  for (const name of ["", "A", "a//b", "/a", "a/", "a..b", "a___b", "-a", "a.", "a b", "ä", "../a", "x".repeat(201)]) {
    assert.throws(() => parseRepositoryName(name), hasOciCode("NAME_INVALID"), name);
  }
});

test("parseTag() accepts 1 to 128 characters of its set and refuses the rest with TAG_INVALID", () => {
  for (const tag of ["v1.0.0", "_", "A-b.c_d", "x".repeat(128)]) assert.equal(parseTag(tag), tag);
  for (const tag of ["", ".a", "-a", "a/b", "a b", "x".repeat(129)]) {
    assert.throws(() => parseTag(tag), hasOciCode("TAG_INVALID"), tag);
  }
});

test("parseReference() takes what holds a colon for a digest", () => {
  assert.deepEqual(parseReference("v1"), { tag: "v1" });
  assert.deepEqual(parseReference(digest), { digest });
  assert.throws(() => parseReference("sha256:baddigeststring"), hasOciCode("DIGEST_INVALID"));
});

test("parseImageReference() splits a repository from its tag or digest", () => {
  assert.deepEqual(parseImageReference("team/web:v1"), { repository: "team/web", reference: { tag: "v1" } });
  assert.deepEqual(parseImageReference(`team/web@${digest}`), { repository: "team/web", reference: { digest } });
  for (const text of ["team/web", ":v1", "team/web:", "host:5000/web:v1:x", `team/web:v1@${digest}`]) {
    assert.throws(() => parseImageReference(text), PlatformError, text);
  }
});

test("parseRepositoryName() and parseImageReference() throw nothing but platform errors, and give back what they were given", () => {
  const name = stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){0,3}$/);
  const tag = stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);
  check(property(name, tag, (repository, version) => {
    const parsed = parseImageReference(`${repository}:${version}`);
    return parsed.repository === repository && formatReference(parsed.reference) === version;
  }));
  check(property(string(), (text) => {
    for (const parse of [parseRepositoryName, parseTag, parseReference, parseImageReference]) {
      try {
        parse(text);
      } catch (error) {
        assert.ok(error instanceof PlatformError);
      }
    }
  }));
});

function hasOciCode(code: string) {
  return (error: unknown) =>
    error instanceof PlatformError && error.code === "invalid-request" && error.details["ociCode"] === code;
}
