// Starts a TypeScript entry with a runtime that can run it. This file must run under old versions of Node.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { onNpmGone } from "./npm-parent.mjs";

/** Runs `entry` (a file URL) in this process when it can strip types, else in a child with Node 24 or the tsx loader. */
export async function launch(entry) {
  // Compiled code is kept: a start costs half the time. A folder that cannot be written is passed over.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("../../node_modules/.cache/node-compile", import.meta.url));
  if (canStripTypes(process.versions)) {
    module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
    onNpmGone(() => process.kill(process.pid, "SIGTERM"));
    await import(entry.href);
    return;
  }
  const [file, args] = findRuntime();
  const child = spawn(file, [...args, fileURLToPath(entry), ...process.argv.slice(2)], { stdio: "inherit" });
  forwardSignals(child);
  onNpmGone(() => child.kill("SIGTERM"));
  child.once("error", (error) => {
    process.stderr.write(`Cannot start "${file}": ${error.message}\n`);
    process.exitCode = 1;
  });
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 137);
  });
}

/** Node strips types without a flag since 22.18, Deno always. */
function canStripTypes(versions) {
  if (versions.deno !== undefined) return true;
  const [major = 0, minor = 0] = versions.node.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

function findRuntime() {
  const require = createRequire(import.meta.url);
  try {
    const bundled = join(dirname(require.resolve("node/package.json")), "bin", "node");
    if (existsSync(bundled)) return [bundled, []];
  } catch {
    // Development packages are not installed.
  }
  return [process.execPath, ["--import", require.resolve("tsx")]];
}

/** A terminal sends Ctrl-C to the child as well: sending it again would count as the second, impatient one. */
function forwardSignals(child) {
  const isTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !isTerminal) child.kill(signal);
    });
  }
}
