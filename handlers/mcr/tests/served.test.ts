import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenOf } from "../testing/accounts.ts";
import { bytes, digestOf } from "../testing/content.ts";
import { openRegistry } from "../testing/open-registry.ts";
import { serveRegistry } from "../testing/serve-registry.ts";

const headers = { authorization: `Bearer ${tokenOf("alice")}` };

test("a served registry takes a streamed PATCH and an empty PUT, and gives the bytes back", async () => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const content = bytes(5_000_003);
  const started = await fetch(`${served.url}/v2/a/b/blobs/uploads/`, { method: "POST", headers });
  assert.equal(started.status, 202);
  const location = `${served.url}${started.headers.get("location")}`;
  const init = { method: "PATCH", headers, body: new Blob([content]).stream(), duplex: "half" } as const;
  const patched = await fetch(location, init);
  assert.equal(patched.status, 202);
  assert.equal(patched.headers.get("range"), "0-5000002");
  const digest = digestOf(content);
  const finished = await fetch(`${location}?digest=${digest}`, { method: "PUT", headers });
  assert.equal(finished.status, 201);
  const url = `${served.url}${finished.headers.get("location")}`;
  const head = await fetch(url, { method: "HEAD", headers });
  assert.equal(head.headers.get("content-length"), "5000003");
  assert.equal(head.headers.get("docker-content-digest"), digest);
  const pulled = new Uint8Array(await (await fetch(url, { headers })).arrayBuffer());
  assert.equal(digestOf(pulled), digest);
});
