import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { answer } from "./testing/join-streams.ts";
import { openHttp2Door } from "./testing/open-http2-door.ts";
import { serveWith } from "./testing/serve-with.ts";
import { needsServer } from "./testing/skip-on-deno.ts";

const run = promisify(execFile);
const options = { ...needsServer, timeout: 60_000 };

async function has(context: TestContext, program: string): Promise<boolean> {
  const found = await run(program, ["--version"]).then(() => true, () => false);
  if (!found) context.skip(`${program} is not installed`);
  return found;
}

test("curl speaks HTTP/2, up and down", options, async (context) => {
  if (!await has(context, "curl")) return;
  const folder = await mkdtemp(join(tmpdir(), "edge-proxy-"));
  await using door = await openHttp2Door(serveWith((client) => {
    let bytes = 0;
    client.resumeRequest();
    if (client.request.bodyLength === 0) answer(client, 200, "y".repeat(1_000_000));
    return {
      onRequestData: (chunk) => void (bytes += chunk.length),
      onRequestEnd: () => answer(client, 200, String(bytes)),
    };
  }));
  await writeFile(join(folder, "ca.pem"), door.rootPem);
  await writeFile(join(folder, "body"), "x".repeat(2_000_000));
  const common = ["-sS", "--http2", "--cacert", join(folder, "ca.pem"), "--resolve", `a.test:${door.port}:127.0.0.1`];
  const url = `https://a.test:${door.port}/`;
  const down = await run("curl", [...common, "-w", "%{http_version} %{size_download}", "-o", "/dev/null", url]);
  assert.equal(down.stdout, "2 1000000");
  const up = await run("curl", [...common, "--data-binary", `@${join(folder, "body")}`, url]);
  assert.equal(up.stdout, "2000000");
  await rm(folder, { recursive: true });
});

test("h2load gets every answer", options, async (context) => {
  if (!await has(context, "h2load")) return;
  await using door = await openHttp2Door(serveWith((client) => answer(client, 200, "x".repeat(1024))));
  const { stdout } = await run("h2load", ["-c4", "-m16", "-n4000", `https://127.0.0.1:${door.port}/`]);
  assert.match(stdout, /4000 succeeded, 0 failed/);
  assert.match(stdout, /status codes: 4000 2xx/);
});
