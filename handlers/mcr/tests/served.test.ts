import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { tokenOf } from "../testing/accounts.ts";
import { assertOciError, bytes, digestOf } from "../testing/content.ts";
import { openRegistry } from "../testing/open-registry.ts";
import { isInstalled, runProgram } from "../testing/run-program.ts";
import { serveRegistry } from "../testing/serve-registry.ts";

const skip = isInstalled("curl") ? false : "curl is not installed";
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

test("a served registry refuses before it has read a large body, and the client still sees why", async () => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const body = bytes(6 * 1024 * 1024);
  const manifest = await fetch(`${served.url}/v2/a/manifests/v1`, { method: "PUT", headers, body });
  await assertOciError(manifest, 413, "SIZE_INVALID");
  const upload = await fetch(`${served.url}/v2/a/blobs/uploads/?digest=${digestOf(body)}`, { method: "POST", body });
  await assertOciError(upload, 401, "UNAUTHORIZED");
});

test("curl uploads a file of unknown length, resumes a download, and asks for a range", { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "mcr-curl-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const content = bytes(2_000_000);
  await writeFile(join(folder, "content"), content);
  const curl = async (...args: string[]) => {
    const { code, stdout, stderr } = await runProgram("curl", [
      "-sS",
      "-H",
      `Authorization: ${headers.authorization}`,
      ...args,
    ], { cwd: folder });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const started = await curl("-i", "-X", "POST", `${served.url}/v2/a/blobs/uploads/`);
  const location = `${served.url}${/^location: (\S+)/im.exec(started)?.[1]}`;
  assert.match(
    await curl("-i", "-X", "PATCH", "-H", "Transfer-Encoding: chunked", "-T", "content", location),
    /^range: 0-1999999\r$/im,
  );
  assert.match(await curl("-i", "-X", "PUT", `${location}?digest=${digestOf(content)}`), /^HTTP\/1.1 201/);
  const blob = `${served.url}/v2/a/blobs/${digestOf(content)}`;
  assert.match(await curl("-I", blob), /^content-length: 2000000\r$/im);
  await writeFile(join(folder, "part"), content.slice(0, 777_777));
  await curl("-C", "-", "-o", "part", blob);
  assert.equal(digestOf(await readFile(join(folder, "part"))), digestOf(content));
  assert.equal(await curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "-r", "5-14", blob), "206 10");
  assert.equal(await curl("-o", "/dev/null", "-w", "%{http_code}", "-r", "9999999-", blob), "416");
});
