import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { PlatformError } from "#shared/errors/platform-error.ts";
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

/**
 * The path of a program that a benchmark cannot do without.
 *
 * @throws {PlatformError} unavailable — when it is not installed; the message names its package
 */
export function requireProgram(name: string, aptPackage: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  throw new PlatformError(
    "unavailable",
    `Cannot run "${name}": it is not installed, expected it from apt-get install ${aptPackage}`,
  );
}

/** The path of a peer's program; when it is not installed says so on stderr, so that the peer is left out. */
export function findPeer(name: string, aptPackage: string): string | undefined {
  const path = findProgram(name);
  if (path === undefined) {
    process.stderr.write(`${name} is not installed and left out: apt-get install ${aptPackage}\n`);
  }
  return path;
}

/** The core of what is measured, and the one of everything else: load and backends. */
export const cores = { server: 0, load: 1 } as const;

/** A command that is kept on one core; as it is on a machine with a single core. */
function onCore(core: number, command: readonly string[]): readonly string[] {
  return availableParallelism() > 1 ? ["taskset", "-c", String(core), ...command] : command;
}

/** A program that runs during a benchmark; disposing ends it. */
export interface Background extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Processor time in seconds that it and its children have used so far. */
  cpuSeconds(): Promise<number>;
  /** Resident memory in megabytes. */
  residentMegabytes(): Promise<number>;
  /** Why it does not run any more: its exit code and the end of its stderr; `undefined` while it runs. */
  failure(): string | undefined;
}

/** How a program is started. */
export interface BackgroundOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly core?: number;
  /** How long it may take to end when it is disposed, before it is killed. */
  readonly graceMs?: number;
}

/** Starts a program that serves until it is disposed, on one core if given. */
export function startBackground(file: string, args: readonly string[], options: BackgroundOptions = {}): Background {
  const { core, graceMs = 5_000, ...spawnOptions } = options;
  const [command = file, ...commandArgs] = core === undefined ? [file, ...args] : onCore(core, [file, ...args]);
  const child = spawn(command, commandArgs, { ...spawnOptions, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  let failure: string | undefined;
  child.stderr.on("data", (chunk) => void (errors = (errors + String(chunk)).slice(-4_000)));
  child.once("error", (error) => void (failure = error.message));
  child.once("exit", (code, signal) => {
    failure = `it exited with ${code ?? signal}: ${errors.trim()}`;
    if (code !== 0 && code !== null) process.stderr.write(`${file}: ${failure}\n`);
  });
  return {
    child,
    cpuSeconds: () => cpuSeconds(child.pid ?? 0),
    residentMegabytes: () => residentMegabytes(child.pid ?? 0),
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      if (failure !== undefined) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * Resolves once `probe` gives true for a program that was started.
 *
 * @throws {PlatformError} unavailable — when the program has ended, with what it said; timeout — when it does not get ready
 */
export async function waitForStart(
  name: string,
  program: Background,
  probe: () => Promise<boolean>,
): Promise<void> {
  await waitUntil(async () => {
    const failure = program.failure();
    if (failure !== undefined) {
      throw new PlatformError("unavailable", `Cannot measure "${name}": ${failure}, expected it to serve`);
    }
    return await probe() ? true : undefined;
  }, { action: `start ${name}`, timeoutMs: 60_000, intervalMs: 200 });
}

/** Keeps this process on the core for load, so that what it does meanwhile is not taken from the server under test. */
export async function stayOnLoadCore(): Promise<void> {
  if (availableParallelism() < 2) return;
  await outputOf(requireProgram("taskset", "util-linux"), ["-a", "-c", "-p", String(cores.load), String(process.pid)]);
}

/** Resident memory of a process in megabytes, from /proc. */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 102.4) / 10;
}

/** Processor time of a process and its living descendants, from /proc (proc(5): clock ticks are 10 ms). */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name, in brackets, may hold anything; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const own = (Number(fields[11]) + Number(fields[12])) / 100;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const theirs = await Promise.all(children.split(" ").filter(Boolean).map((child) => cpuSeconds(Number(child))));
  return theirs.reduce((sum, seconds) => sum + seconds, own);
}

/** A free loopback port below the range of outgoing connections, which would collide with it now and then. */
export async function findBenchPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer().listen({ port, host: "127.0.0.1", exclusive: true });
    const isFree = await once(server, "listening").then(() => true, () => false);
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** Stdout of a load generator, run on the core for load. */
export function outputOfLoad(file: string, args: readonly string[]): Promise<string> {
  const [command = file, ...commandArgs] = onCore(cores.load, [file, ...args]);
  return outputOf(command, commandArgs);
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
