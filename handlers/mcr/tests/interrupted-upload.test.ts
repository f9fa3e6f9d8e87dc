import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { tokenOf } from "../testing/accounts.ts";
import { bytes, digestOf } from "../testing/content.ts";
import { openRegistry, type TestRegistry } from "../testing/open-registry.ts";
import { type ServedRegistry, serveRegistry } from "../testing/serve-registry.ts";

const content = bytes(3_000_000);
const digest = digestOf(content);
const headers = { authorization: `Bearer ${tokenOf("alice")}` };

async function startUpload(registry: TestRegistry): Promise<string> {
  const started = await registry.request("/v2/a/blobs/uploads/", { method: "POST" });
  return started.headers.get("location") ?? "";
}

async function storedBytes(registry: TestRegistry, location: string): Promise<number> {
  const response = await registry.request(location);
  assert.equal(response.status, 204);
  const range = response.headers.get("range") ?? "";
  return range === "0-0" ? 0 : Number(range.split("-")[1]) + 1;
}

/** Announces all of the content, sends its first bytes, and gives the open connection. */
async function sendPart(served: ServedRegistry, location: string, sentBytes: number) {
  const socket = connect(Number(served.address.split(":")[1]), "127.0.0.1");
  socket.on("error", () => undefined);
  const head = [
    `PATCH ${location} HTTP/1.1`,
    `Host: ${served.address}`,
    `Authorization: ${headers.authorization}`,
    `Content-Length: ${content.length}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await new Promise((resolve) => socket.write(content.subarray(0, sentBytes), resolve));
  return socket;
}

/** The bytes stored once the registry has noticed that the connection is gone. */
function waitForPart(registry: TestRegistry, location: string, expectedBytes: number): Promise<number> {
  return waitUntil(async () => {
    const stored = await storedBytes(registry, location);
    return stored >= expectedBytes ? stored : undefined;
  }, { action: "see the part of the upload that was sent", timeoutMs: 10_000 });
}

async function finish(registry: TestRegistry, location: string, offset: number): Promise<Response> {
  return registry.request(`${location}?digest=${digest}`, {
    method: "PUT",
    body: content.subarray(offset),
    headers: { "content-range": `${offset}-${content.length - 1}` },
  });
}

test("a PATCH that loses its client keeps what arrived, and the upload goes on from there", async () => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const location = await startUpload(registry);
  const socket = await sendPart(served, location, 1_700_000);
  await waitForPart(registry, location, 1024 * 1024);
  socket.destroy();
  const offset = await waitForPart(registry, location, 1_700_000);
  assert.equal(offset, 1_700_000);
  assert.equal((await finish(registry, location, offset)).status, 201);
  const pulled = new Uint8Array(await (await registry.request(`/v2/a/blobs/${digest}`)).arrayBuffer());
  assert.equal(digestOf(pulled), digest);
});

test("a newer request takes over an upload whose earlier request hangs", async () => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const location = await startUpload(registry);
  const socket = await sendPart(served, location, 1_700_000);
  const seen = await waitForPart(registry, location, 1024 * 1024);
  // The earlier request is stopped, what it had received is stored, and a client that asked too early is told the true range.
  const early = await fetch(`${served.url}${location}`, {
    method: "PATCH",
    headers: { ...headers, "content-range": `${seen}-${seen}` },
    body: content.subarray(seen, seen + 1),
  });
  const offset = await storedBytes(registry, location);
  assert.ok(
    early.status === 202 ? offset === seen + 1 : early.status === 416 && offset > seen,
    `${early.status} at ${offset}`,
  );
  assert.equal((await finish(registry, location, offset)).status, 201);
  socket.destroy();
});

test("an upload goes on after a restart, by hashing again what is stored", async () => {
  await using registry = await openRegistry();
  const location = await startUpload(registry);
  const half = await registry.request(location, { method: "PATCH", body: content.subarray(0, 1_500_000) });
  assert.equal(half.status, 202);
  const { app } = registry.restart();
  const init = { method: "PUT", body: content.subarray(1_500_000), headers };
  assert.equal((await app.request(`${location}?digest=${digest}`, init)).status, 201);
  const pulled = new Uint8Array(await (await registry.request(`/v2/a/blobs/${digest}`)).arrayBuffer());
  assert.equal(digestOf(pulled), digest);
});

test("many concurrent pushes of the same blob leave one file, and every one succeeds", async () => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const push = async (repository: string) => {
    const url = `${served.url}/v2/${repository}/blobs/uploads/?digest=${digest}`;
    const response = await fetch(url, { method: "POST", headers, body: content });
    return response.status;
  };
  const statuses = await Promise.all(["a", "a", "a", "b", "b", "c", "d", "e"].map(push));
  assert.deepEqual([...new Set(statuses)], [201]);
  const rows = await registry.database.all("SELECT storage_key FROM blob");
  assert.equal(rows.length, 1);
  assert.deepEqual(await registry.mcr.sweep(), { expiredUploads: 0, orphanFiles: 0 });
  for (const repository of ["a", "b", "c", "d", "e"]) {
    assert.equal((await registry.request(`/v2/${repository}/blobs/${digest}`, { method: "HEAD" })).status, 200);
  }
});
