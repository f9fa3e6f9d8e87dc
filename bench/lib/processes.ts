import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { waitUntil } from "#shared/lifecycle/wait.ts";

/** The path of an installed program, or `undefined`. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A program that runs during a benchmark; disposing ends it. */
export interface Background extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Resident memory in megabytes. */
  residentMegabytes(): Promise<number>;
}

/** Starts a program that serves until it is disposed. */
export function startBackground(file: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Background {
  const child = spawn(file, [...args], { ...options, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => void (errors = (errors + String(chunk)).slice(-4_000)));
  child.once("exit", (code) => {
    if (code !== 0 && code !== null) process.stderr.write(`${file} exited with ${code}: ${errors}\n`);
  });
  return {
    child,
    residentMegabytes: () => residentMegabytes(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Resident memory of a process in megabytes, from /proc. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 102.4) / 10;
}

/** Resolves once something accepts connections on a loopback port. */
export async function waitForPort(port: number): Promise<void> {
  await waitUntil(() => canConnect(port), { action: `reach port ${port}`, timeoutMs: 15_000 });
}

function canConnect(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(undefined));
  });
}

/** Stdout of a command that must succeed. */
export async function outputOf(file: string, args: readonly string[], cwd?: string): Promise<string> {
  const child = spawn(file, [...args], { ...(cwd === undefined ? {} : { cwd }), stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => void (stdout += chunk));
  child.stderr.on("data", (chunk) => void (stderr += chunk));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} exited with ${code}: ${stderr}`);
  return stdout;
}

/** A folder that disappears when it is disposed. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "mc-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
