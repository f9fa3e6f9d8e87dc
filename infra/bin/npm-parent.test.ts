import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";

const module = new URL("npm-parent.mjs", import.meta.url).href;
/** Tells its pid and lives until it is asked to stop, as a program that npm started. */
const program = `
  import { onNpmGone } from ${JSON.stringify(module)};
  const alive = setInterval(() => undefined, 1_000);
  onNpmGone(() => clearInterval(alive));
  console.log(process.pid);
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("onNpmGone() ends a program whose npm was ended", async () => {
  const code = `data:text/javascript,${encodeURIComponent(program)}`;
  const runtime = process.versions["deno"] === undefined
    ? `"${process.execPath}" --input-type=module --eval 'await import("${code}")'`
    : `"${process.execPath}" eval 'await import("${code}")'`;
  // Like npm, the shell waits for the program, and ends without telling it.
  const shell = spawn("sh", ["-c", `${runtime} & wait`], {
    env: { ...process.env, npm_command: "exec" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: shell.stdout });
  const [line] = await once(lines, "line");
  const pid = Number(line);
  assert.ok(isAlive(pid));
  process.kill(shell.pid ?? 0, "SIGKILL");
  await waitUntil(() => isAlive(pid) ? undefined : true, { action: "see the program end", timeoutMs: 10_000 });
  lines.close();
});
