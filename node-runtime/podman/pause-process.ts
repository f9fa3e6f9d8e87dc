import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * The process that holds rootless podman's user namespace (`catatonit -P`), or `undefined` when there is none. Podman starts
 * one with its first command of a user and never ends it. Root needs none.
 */
export function findPauseProcess(): number | undefined {
  const runtimeFolder = process.env["XDG_RUNTIME_DIR"];
  if (process.getuid?.() === 0 || runtimeFolder === undefined) return undefined;
  try {
    const pid = Number(readFileSync(join(runtimeFolder, "libpod/tmp/pause.pid"), "utf8"));
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

/** Ends the pause process. The caller makes sure that it was not there before, so that nobody else's podman uses it. */
export function endPauseProcess(): void {
  const pid = findPauseProcess();
  if (pid !== undefined) process.kill(pid, "SIGTERM");
}
