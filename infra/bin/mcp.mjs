#!/usr/bin/env node
// Runs the operator CLI with the project's own Node, which strips types; the machine's may be older.
import { spawn } from "node:child_process";
import module from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";

const main = new URL("../../cli/main.ts", import.meta.url);

if (Number(process.versions.node.split(".")[0]) >= 24) {
  module.enableCompileCache?.();
  await import(main.href);
} else {
  runWithOwnNode();
}

function runWithOwnNode() {
  const node = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal sends Ctrl-C to both; what a supervisor sends to this process alone is passed on.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", () => {
    process.stderr.write(
      "Error: Cannot start mcp: Node 24 is not installed, expected it in node_modules\nRun: npm install\n",
    );
    process.exitCode = 1;
  });
  child.on("close", (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else process.kill(process.pid, signal);
  });
}
