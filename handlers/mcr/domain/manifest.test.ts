import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, json, property, uint8Array } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { descriptorOf, digestOf, imageOf, imageType, indexOf, indexType } from "../testing/content.ts";
import { parseManifest } from "./manifest.ts";

const encoder = new TextEncoder();
const parse = (text: string, mediaType = imageType) => parseManifest(encoder.encode(text), mediaType);

test("parseManifest() lists the config and layers of an image once each", () => {
  assert.deepEqual(parse(imageOf(["a", "b", "a"])).blobs, [digestOf("{}"), digestOf("a"), digestOf("b")]);
  assert.deepEqual(parse(imageOf([], { layers: undefined })).blobs, [digestOf("{}")]);
});

test("parseManifest() leaves out layers that may not be distributed", () => {
  const layers = [
    descriptorOf("a", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    descriptorOf("b", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    descriptorOf("c", "application/vnd.oci.image.layer.v1.tar"),
  ];
  assert.deepEqual(parse(imageOf([], { layers })).blobs, [digestOf("{}"), digestOf("c")]);
});

test("parseManifest() lists the children of an index", () => {
  const facts = parse(indexOf(["x", "y"]), indexType);
  assert.deepEqual([facts.blobs, facts.children], [[], [digestOf("x"), digestOf("y")]]);
  assert.deepEqual(parse(indexOf([]), indexType).children, []);
});

test("parseManifest() finds subject, annotations and the artifact type, for which an image falls back to its config", () => {
  const extra = { subject: descriptorOf("s", imageType), annotations: { a: "b" } };
  const image = parse(imageOf([], extra));
  assert.equal(image.subject, digestOf("s"));
  assert.deepEqual(image.annotations, { a: "b" });
  assert.equal(image.artifactType, "application/vnd.oci.image.config.v1+json");
  assert.equal(parse(imageOf([], { ...extra, artifactType: "x/y" })).artifactType, "x/y");
  assert.equal(parse(indexOf([], extra), indexType).artifactType, undefined);
});

const refused = [
  ["another media type", imageOf([]), "application/vnd.docker.distribution.manifest.v1+json"],
  ["no media type", imageOf([]), ""],
  ["what is not JSON", "{", imageType],
  ["what is not an object", "[]", imageType],
  ["schema 1", imageOf([], { schemaVersion: 1 }), imageType],
  ["no config", imageOf([], { config: undefined }), imageType],
  ["a malformed digest", imageOf([], { layers: [{ mediaType: "a/b", digest: "sha256:x", size: 1 }] }), imageType],
  ["a mediaType that differs from the Content-Type", imageOf([], { mediaType: indexType }), imageType],
  ["what reads as image and index", imageOf([], { manifests: [] }), imageType],
  ["an index with layers", indexOf([], { layers: [] }), indexType],
] as const;

for (const [what, text, mediaType] of refused) {
  test(`parseManifest() refuses ${what}`, () => {
    assert.throws(
      () => parse(text, mediaType),
      (error: PlatformError) => error.details["ociCode"] === "MANIFEST_INVALID",
    );
  });
}

test("parseManifest() throws nothing but platform errors", () => {
  const run = (content: Uint8Array) => {
    try {
      parseManifest(content, imageType);
    } catch (error) {
      assert.ok(error instanceof PlatformError);
    }
  };
  check(property(uint8Array(), run));
  check(property(json(), (text) => run(encoder.encode(text))));
});
