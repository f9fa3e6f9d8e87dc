import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { hasCode } from "../platform/system-error.ts";
import { printable } from "../render/style.ts";

/** Lines of podman's output that an error repeats. */
const keptLines = 20;

/** One run of podman. */
export interface PodmanRun {
  /** What the run is for, as in `Cannot <action>`. */
  readonly action: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Receives each line of podman's stdout and stderr. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs podman to its end.
 *
 * @throws {PlatformError} build-failed — when it cannot be started or fails, with its last lines as `details.log`; cancelled
 */
export async function runPodman(run: PodmanRun): Promise<void> {
  const lastLines: string[] = [];
  const onLine = (line: string) => {
    lastLines.push(printable(line));
    if (lastLines.length > keptLines) lastLines.shift();
    run.onLine(line);
  };
  const exit = await waitForExit(run, onLine);
  if (run.signal.aborted) throw new PlatformError("cancelled", `Cannot ${run.action}: it was interrupted`);
  if (exit.error !== undefined) throw toStartError(run.action, exit.error);
  if (exit.status === 0) return;
  throw new PlatformError("build-failed", `Cannot ${run.action}: podman ended with ${exit.status}, expected 0`, {
    details: { log: lastLines },
  });
}

interface Exit {
  readonly status: number | string;
  readonly error?: Error;
}

async function waitForExit(run: PodmanRun, onLine: (line: string) => void): Promise<Exit> {
  const child = spawn("podman", [...run.arguments], { env: run.env, stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => void child.kill("SIGTERM");
  run.signal.addEventListener("abort", stop, { once: true });
  if (run.signal.aborted) stop();
  const { promise, resolve } = Promise.withResolvers<Exit>();
  child.on("error", (error) => resolve({ status: "no start", error }));
  child.on("close", (code, signal) => resolve({ status: code ?? signal ?? "an unknown status" }));
  const reading = Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)]);
  try {
    const exit = await promise;
    // Where nothing was started, Deno never ends the streams.
    if (exit.error === undefined) await reading;
    return exit;
  } finally {
    run.signal.removeEventListener("abort", stop);
  }
}

async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}

function toStartError(action: string, cause: Error): PlatformError {
  const isMissing = hasCode(cause, "ENOENT");
  return new PlatformError(
    "build-failed",
    `Cannot ${action}: podman ${isMissing ? "is not installed" : "cannot be started"}, expected it in $PATH`,
    {
      cause,
      details: { next: "install podman (Debian: sudo apt-get install podman), then run the same command again" },
    },
  );
}
