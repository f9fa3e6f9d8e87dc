import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { temporaryFolder } from "../bootstrap/testing/temporary-folder.ts";

/** The machine's own Node, which may be older than ours. */
const systemNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path)) ??
  (process.versions["deno"] === undefined ? process.execPath : undefined);
const skip = systemNode === undefined ? "the machine has no Node of its own" : false;
if (skip) console.log(`skipping tests of the launchers: ${skip}`);

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(file: string, args: readonly string[]): Promise<Finished> {
  const child = spawn(systemNode ?? "", [join(import.meta.dirname, file), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => void (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => void (stderr += String(chunk)));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

test("the launchers run under the machine's own Node and hand on output and exit code", { skip }, async () => {
  assert.match((await run("metacircular.mjs", ["version"])).stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match((await run("mcp.mjs", ["--help"])).stdout, /deploy/);
  const wrong = await run("metacircular.mjs", ["up", "--dns-port", "0"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Cannot use --dns-port "0": expected a port/);
  const unusable = await run("metacircular.mjs", ["up", "--json", "--dir", "/dev/null"]);
  assert.equal(unusable.code, 2);
  const { code, message } = JSON.parse(unusable.stderr);
  assert.equal(code, "invalid-usage");
  assert.match(message, /^Cannot use --dir "\/dev\/null": it cannot be written to, expected a folder of your own/);
  assert.equal((await run("metacircular.mjs", ["no-such-command"])).code, 2);
  assert.equal((await run("metacircular.mjs", ["--help"])).code, 0);
});

test("the launchers hand on SIGTERM", { skip }, async (context) => {
  const folder = await temporaryFolder(context);
  const config = join(folder, "server.toml");
  await writeFile(
    config,
    `[server]\ndomain = "mcp.localhost"\nlisten_addr = "127.0.0.1:0"\nstate_dir = "${folder}/state"\n`,
  );
  const child = spawn(systemNode ?? "", [join(import.meta.dirname, "metacircular.mjs"), "server", "--config", config], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = await once(child.stdout, "data");
  assert.match(String(line), /"ready":true,"program":"server"/);
  assert.ok(child.pid !== undefined);
  // Not `child.kill`: Deno then tells the signal as the end, whatever the end was.
  process.kill(child.pid, "SIGTERM");
  assert.deepEqual(await exited, [0, null]);
});
