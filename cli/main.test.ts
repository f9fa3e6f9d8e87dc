import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { newFakeService } from "./testing/fake-services.ts";
import { createSandbox, definitionText, type Sandbox } from "./testing/sandbox.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
// What guide §3 promises runs with these permissions on Deno: no ffi, no sys.
const runtimeArguments = process.versions["deno"] === undefined
  ? []
  : ["run", "--no-prompt", "--allow-read", "--allow-write", "--allow-env", "--allow-net=127.0.0.1", "--allow-run"];

/** A sandbox whose platform is behind real HTTP, and the program as a process. */
async function createServedSandbox() {
  const sandbox = await createSandbox();
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  const server = serve({ fetch: sandbox.fake.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(port));
  const url = `http://127.0.0.1:${await listening}`;
  return {
    sandbox,
    start: (words: readonly string[]) => startProgram(sandbox, url, words),
    async [Symbol.asyncDispose]() {
      server.close();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}

function startProgram({ dir }: Sandbox, url: string, words: readonly string[]): ChildProcessWithoutNullStreams {
  const env = { HOME: dir, PATH: process.env["PATH"], MCP_API_URL: url };
  return spawn(process.execPath, [...runtimeArguments, main, ...words], { env, cwd: join(main, "../..") });
}

async function finish(child: ChildProcessWithoutNullStreams) {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => stdout += chunk);
  child.stderr.on("data", (chunk) => stderr += chunk);
  const [exitCode, signal] = await once(child, "close");
  return { exitCode: exitCode ?? signal, stdout, stderr };
}

test("mcp logs in with a piped password and uses the token, over real HTTP", async () => {
  await using served = await createServedSandbox();
  const login = served.start(["login", "-u", "admin", "--password-stdin"]);
  login.stdin.end("secret\n");
  const loggedIn = await finish(login);
  assert.equal(loggedIn.exitCode, 0, loggedIn.stderr);
  const ps = await finish(served.start(["ps", "--json"]));
  assert.deepEqual(ps, { exitCode: 0, stdout: '{"instances":[]}\n', stderr: "" });
  assert.equal(await served.sandbox.read(".config/mcp/token"), "fresh-token-of-admin\n");
});

test("mcp detaches from a deployment at SIGINT with exit code 2", async () => {
  await using served = await createServedSandbox();
  await served.sandbox.write(".config/mcp/services/web.toml", definitionText("web"));
  served.sandbox.fake.images.add("web:v1.0.0");
  served.sandbox.fake.deployments.script = { events: [{ message: "pulling" }], isEndless: true };
  const child = served.start(["deploy", "web"]);
  // Not child.kill(): Deno then reports the signal as the end, whatever the program's exit code.
  child.stderr.once("data", () => process.kill(child.pid ?? 0, "SIGINT"));
  const { exitCode, stderr } = await finish(child);
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /Run: mcp deploy web --attach d1\n$/);
});

test("mcp ends when the reader of its output leaves", async () => {
  await using served = await createServedSandbox();
  const { fake } = served.sandbox;
  fake.services.set("web", newFakeService(ServiceDefinition.parse(parseToml(definitionText("web"), "web.toml"))));
  const at = (index: number) => String(index).padStart(6, "0");
  const lines = Array.from(
    { length: 5000 },
    (
      _,
      index,
    ) => ({ component: "api", instance: "i", stream: "stdout", at: at(index), line: "x".repeat(100) } as const),
  );
  fake.logConnections.push(lines, [], []);
  const child = served.start(["logs", "web", "-f"]);
  child.stdout.once("data", () => child.stdout.destroy());
  const [exitCode] = await once(child, "close");
  assert.equal(exitCode, 0);
});
