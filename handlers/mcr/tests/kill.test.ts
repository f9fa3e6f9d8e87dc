import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { tokenOf } from "../testing/accounts.ts";
import { bytes, digestOf, imageOf, imageType } from "../testing/content.ts";

const headers = { authorization: `Bearer ${tokenOf("alice")}` };
const program = fileURLToPath(import.meta.resolve("../testing/registry-process/main.ts"));
const Ready = z.object({ ready: z.literal(true), url: z.string() });

/** A registry in a process of its own, that is killed with SIGKILL when it is disposed. */
async function startProcess(folder: string): Promise<AsyncDisposable & { readonly url: string }> {
  const runtimeArgs = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check"];
  const child: ChildProcess = spawn(process.execPath, [...runtimeArgs, program, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.ok(child.stdout);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { url } = Ready.parse(JSON.parse(String(line)));
  return {
    url,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

test(
  "kill -9 loses nothing that was acknowledged, and a half upload goes on after it",
  { timeout: 60_000 },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "mcr-kill-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const content = bytes(3_000_000);
    const manifest = imageOf([]);
    let location = "";
    {
      await using registry = await startProcess(folder);
      const blob = await fetch(`${registry.url}/v2/a/blobs/uploads/?digest=${digestOf("{}")}`, {
        method: "POST",
        headers,
        body: "{}",
      });
      assert.equal(blob.status, 201);
      const put = { method: "PUT", headers: { ...headers, "content-type": imageType }, body: manifest };
      assert.equal((await fetch(`${registry.url}/v2/a/manifests/v1`, put)).status, 201);
      location =
        (await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: "POST", headers })).headers.get("location") ?? "";
      const half = { method: "PATCH", headers, body: content.slice(0, 1_700_000) };
      assert.equal((await fetch(`${registry.url}${location}`, half)).status, 202);
    }
    await using registry = await startProcess(folder);
    assert.equal(await (await fetch(`${registry.url}/v2/a/manifests/v1`, { headers })).text(), manifest);
    assert.equal(await (await fetch(`${registry.url}/v2/a/blobs/${digestOf("{}")}`, { headers })).text(), "{}");
    const status = await fetch(`${registry.url}${location}`, { headers });
    assert.equal(status.headers.get("range"), "0-1699999");
    const rest = { method: "PUT", headers, body: content.slice(1_700_000) };
    assert.equal((await fetch(`${registry.url}${location}?digest=${digestOf(content)}`, rest)).status, 201);
    const pulled = new Uint8Array(
      await (await fetch(`${registry.url}/v2/a/blobs/${digestOf(content)}`, { headers })).arrayBuffer(),
    );
    assert.equal(digestOf(pulled), digestOf(content));
  },
);
