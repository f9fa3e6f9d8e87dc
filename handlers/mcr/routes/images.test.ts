import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "#shared/contract/client.ts";
import { mcrContract } from "#shared/contract/mcr.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { tokenOf } from "../testing/accounts.ts";
import { digestOf, imageType, pushBlob, pushImage, putManifest } from "../testing/content.ts";
import { openRegistry, type TestRegistry } from "../testing/open-registry.ts";

function clientOf(registry: TestRegistry, username: string) {
  return createClient(mcrContract, {
    fetch: (request) => registry.mcr.app.fetch(request),
    baseUrl: "http://mcr",
    token: () => tokenOf(username),
  });
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof PlatformError && error.code === code;
}

test("resolveImage gives the digest of a tag or digest, to whoever may pull", async () => {
  await using registry = await openRegistry();
  const manifest = await pushImage(registry, { repository: "team/web", tag: "v1" });
  const expected = { digest: digestOf(manifest), mediaType: imageType, sizeBytes: manifest.length };
  for (const username of ["mcp", "rift", "gast", "alice"]) {
    for (const reference of ["team/web:v1", `team/web@${digestOf(manifest)}`]) {
      assert.deepEqual(await clientOf(registry, username).resolveImage({ query: { reference } }), expected);
    }
  }
});

test("resolveImage says image-not-found, invalid-request or forbidden", async () => {
  await using registry = await openRegistry();
  await pushImage(registry, { repository: "team/web", tag: "v1" });
  const resolve = (username: string, reference: string) =>
    clientOf(registry, username).resolveImage({ query: { reference } });
  await assert.rejects(resolve("mcp", "team/web:v2"), hasCode("image-not-found"));
  await assert.rejects(resolve("mcp", "team/other:v1"), hasCode("image-not-found"));
  await assert.rejects(resolve("mcp", "team/web"), hasCode("invalid-request"));
  await assert.rejects(resolve("mcp", "x".repeat(513)), hasCode("invalid-request"));
  await assert.rejects(resolve("builder", "team/web:v1"), hasCode("forbidden"));
  const stranger = await registry.mcr.app.request("/v1/images/resolve?reference=team/web:v1");
  assert.equal(stranger.status, 401);
});

test("listImages gives repositories with their tags, to whoever may list", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "only/blobs", "x");
  const one = await pushImage(registry, { repository: "a", tag: "v1" }, ["one"]);
  const two = await pushImage(registry, { repository: "b", tag: "v1" }, ["two"]);
  await putManifest(registry, "/v2/b/manifests/v2", two);
  const tagged = (tag: string, text: string) => ({
    tag,
    digest: digestOf(text),
    sizeBytes: text.length,
    updatedAt: "2026-01-01T00:00:00.000Z",
  });
  const { images } = await clientOf(registry, "alice").listImages({});
  assert.deepEqual(images, [
    { repository: "a", tags: [tagged("v1", one)] },
    { repository: "b", tags: [tagged("v1", two), tagged("v2", two)] },
  ]);
  assert.deepEqual(await clientOf(registry, "root").listImages({ query: { limit: 1, after: "a" } }), {
    images: images.slice(1),
  });
  await assert.rejects(clientOf(registry, "gast").listImages({}), hasCode("forbidden"));
});

test("listAudit shows admins what happened, newest first, in pages", async () => {
  await using registry = await openRegistry();
  for (const tag of ["v1", "v2", "v3"]) await pushImage(registry, { repository: "a", tag });
  const root = clientOf(registry, "root");
  const { events } = await root.listAudit({ query: { limit: 2 } });
  assert.deepEqual(events.map((event) => event.resource), ["a:v3", "a:v2"]);
  const rest = await root.listAudit({ query: { before: events[1]?.id ?? 0 } });
  assert.deepEqual(rest.events.map((event) => event.resource), ["a:v1"]);
  await assert.rejects(clientOf(registry, "alice").listAudit({}), hasCode("forbidden"));
});
