import assert from "node:assert/strict";
import { test } from "node:test";
import {
  descriptorOf,
  digestOf,
  imageOf,
  imageType,
  indexOf,
  indexType,
  pushBlob,
  pushImage,
  putManifest,
} from "../testing/content.ts";
import { openRegistry, type TestRegistry } from "../testing/open-registry.ts";

/** All pages from a path on, by following the links. */
async function follow(
  registry: TestRegistry,
  path: string,
  read: (page: Record<string, string[]>) => unknown[] | undefined,
) {
  const pages: unknown[][] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const response: Response = await registry.request(next);
    assert.equal(response.status, 200);
    pages.push(read(await response.json()) ?? []);
    next = /^<(.+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return pages;
}

test("tags/list gives tags in ASCII order, in linked pages", async () => {
  await using registry = await openRegistry();
  const manifest = await pushImage(registry, { repository: "team/web", tag: "b" });
  for (const tag of ["a", "B", "_1", "10"]) await putManifest(registry, `/v2/team/web/manifests/${tag}`, manifest);
  const list = (query: string) => follow(registry, `/v2/team/web/tags/list${query}`, (page) => page["tags"]);
  assert.deepEqual(await list(""), [["10", "B", "_1", "a", "b"]]);
  assert.deepEqual(await list("?n=2"), [["10", "B"], ["_1", "a"], ["b"]]);
  assert.deepEqual(await list("?n=5"), [["10", "B", "_1", "a", "b"]]);
  assert.deepEqual(await list("?last=B"), [["_1", "a", "b"]]);
  assert.deepEqual(await list("?last=C&n=1"), [["_1"], ["a"], ["b"]]);
  assert.deepEqual(await list("?n=0"), [[]]);
});

test("tags/list of a repository without tags is empty", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "x");
  assert.deepEqual(await (await registry.request("/v2/a/tags/list")).json(), { name: "a", tags: [] });
});

test("_catalog lists repositories that hold a manifest, in linked pages", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "only/blobs", "x");
  for (const repository of ["c", "a/b", "a"]) await pushImage(registry, { repository, tag: "v1" });
  const list = (query: string) => follow(registry, `/v2/_catalog${query}`, (page) => page["repositories"]);
  assert.deepEqual(await list(""), [["a", "a/b", "c"]]);
  assert.deepEqual(await list("?n=1"), [["a"], ["a/b"], ["c"]]);
});

const subject = descriptorOf("subject that does not exist", imageType);

test("referrers of a digest or repository that is not known are an empty index", async () => {
  await using registry = await openRegistry();
  const response = await registry.request(`/v2/never/referrers/${subject.digest}`);
  assert.equal(response.headers.get("content-type"), indexType);
  assert.deepEqual(await response.json(), { schemaVersion: 2, mediaType: indexType, manifests: [] });
});

test("referrers lists what was pushed with a subject, which the push confirms", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "{}");
  const signature = imageOf([], { subject, artifactType: "x/signature", annotations: { by: "alice" } });
  const plain = imageOf([], { subject });
  const index = indexOf([], { subject });
  for (const [text, mediaType] of [[signature, imageType], [plain, imageType], [index, indexType]] as const) {
    const put = await putManifest(registry, `/v2/a/manifests/${digestOf(text)}`, text, mediaType);
    assert.deepEqual([put.status, put.headers.get("oci-subject")], [201, subject.digest]);
  }
  const path = `/v2/a/referrers/${subject.digest}`;
  const expected = [
    { ...descriptorOf(signature, imageType), artifactType: "x/signature", annotations: { by: "alice" } },
    { ...descriptorOf(plain, imageType), artifactType: "application/vnd.oci.image.config.v1+json" },
    descriptorOf(index, indexType),
  ].sort((one, other) => one.digest < other.digest ? -1 : 1);
  assert.deepEqual(await follow(registry, path, (page) => page["manifests"]), [expected]);
  assert.deepEqual(await follow(registry, `${path}?n=2`, (page) => page["manifests"]), [
    expected.slice(0, 2),
    expected.slice(2),
  ]);
  const filtered = await registry.request(`${path}?artifactType=x/signature`);
  assert.equal(filtered.headers.get("oci-filters-applied"), "artifactType");
  assert.deepEqual((await filtered.json()).manifests, expected.filter((each) => "annotations" in each));
  await registry.request(`/v2/a/manifests/${digestOf(signature)}`, { method: "DELETE" });
  assert.equal((await (await registry.request(path)).json()).manifests.length, 2);
  assert.equal((await (await registry.request(path.replace("/a/", "/b/"))).json()).manifests.length, 0);
});

test("referrers with large annotations come in pages that end early", async () => {
  await using registry = await openRegistry();
  await pushBlob(registry, "a", "{}");
  for (const name of ["1", "2", "3", "4"]) {
    const text = imageOf([], { subject, annotations: { name, large: "x".repeat(2_500_000) } });
    assert.equal((await putManifest(registry, `/v2/a/manifests/${digestOf(text)}`, text)).status, 201);
  }
  const pages = await follow(registry, `/v2/a/referrers/${subject.digest}`, (page) => page["manifests"]);
  assert.deepEqual(pages.map((page) => page.length), [2, 2]);
});
