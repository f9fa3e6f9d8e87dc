import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, nat, property, string, stringMatching, tuple } from "fast-check";
import { PlatformError } from "../errors/platform-error.ts";
import { parseImageReference } from "./image-reference.ts";
import { hasCode } from "./testing.ts";

const component = stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?$/);
const registry = constantFrom("mcr.svc.mcp.localhost", "mcr.example.net:8443", "localhost:5000", "10.0.0.1");
const version = tuple(nat(99), nat(99), nat(99)).map((parts) => `v${parts.join(".")}`);

test("parseImageReference() gives back the parts that a reference is made of", () => {
  check(property(registry, array(component, { minLength: 1, maxLength: 4 }), version, (host, path, tag) => {
    const repository = path.join("/");
    assert.deepEqual(parseImageReference(`${host}/${repository}:${tag}`), {
      registry: host,
      repository,
      name: path.at(-1),
      tag,
    });
  }));
});

test("parseImageReference() answers any text with a reference or invalid-definition", () => {
  check(property(string(), (text) => {
    try {
      parseImageReference(text);
    } catch (error) {
      assert.ok(error instanceof PlatformError && error.code === "invalid-definition");
    }
  }));
});

test("parseImageReference() takes versions with and without v, and pre-releases", () => {
  for (const tag of ["v1.2.3", "1.2.3", "v0.0.0", "v1.0.0-rc.1"]) {
    assert.equal(parseImageReference(`mcr.example/web:${tag}`).tag, tag);
  }
});

test("parseImageReference() refuses what is not pinned to a version", () => {
  for (const tag of ["latest", "stable", "v1", "v1.2", "v01.2.3", "v1.2.3.4", "1.2.3-", "main"]) {
    assert.throws(() => parseImageReference(`mcr.example/web:${tag}`), hasCode("invalid-definition"), tag);
  }
});

test("parseImageReference() refuses references without registry, repository or tag, and digests", () => {
  const texts = [
    "",
    "web:v1.0.0",
    "mcr.example/web",
    "mcr.example/:v1.0.0",
    "mcr.example/Web:v1.0.0",
    "mcr.example/web@sha256:00",
  ];
  for (const text of texts) assert.throws(() => parseImageReference(text), hasCode("invalid-definition"), text);
});
