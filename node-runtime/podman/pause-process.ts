import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/**
 * The process that holds rootless podman's user namespace (`catatonit -P`), or `undefined` when there is none. Podman starts
 * one with its first command of a user and never ends it. Root needs none. `runtimeFolder` is the user's
 * `$XDG_RUNTIME_DIR`.
 */
export function findPauseProcess(runtimeFolder: string): number | undefined {
  if (process.getuid?.() === 0) return undefined;
  try {
    const pid = Number(readFileSync(join(runtimeFolder, "libpod/tmp/pause.pid"), "utf8"));
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

/** Ends the pause process. The caller makes sure that it was not there before, so that nobody else's podman uses it. */
export function endPauseProcess(runtimeFolder: string): void {
  const pid = findPauseProcess(runtimeFolder);
  if (pid !== undefined) process.kill(pid, "SIGTERM");
}
