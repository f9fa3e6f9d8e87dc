import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { waitUntil } from "#shared/lifecycle/wait.ts";

/** Root of the repository. */
export const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What a finished command left. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a command to its end; kills it after `timeoutMs` (2 minutes unless given). */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = spawn(file, [...args], {
    cwd: options.cwd ?? repository,
    env: { ...process.env, ...options.env },
    stdio: "pipe",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => void (output.stdout += chunk));
  child.stderr.on("data", (chunk) => void (output.stderr += chunk));
  child.stdin.on("error", () => undefined); // a program need not read its input
  child.stdin.end(options.input ?? "");
  const [code] = await once(child, "close");
  clearTimeout(timer);
  return { code: code ?? 137, ...output };
}

/** Runs a command that must succeed; gives its stdout. */
export async function runOk(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options);
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} exited with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

const Ready = z.object({
  ready: z.literal(true),
  domain: z.string(),
  ca: z.string(),
  api: z.string(),
  proxy: z.string(),
  dns: z.string(),
  registry: z.string(),
  admin: z.object({ username: z.string(), passwordFile: z.string() }),
  cliConfig: z.string(),
});
/** The ready line of `metacircular up --json`. */
export type Ready = z.infer<typeof Ready>;

/** A whole platform on this machine. */
export interface Platform extends AsyncDisposable {
  readonly ready: Ready;
  /** Folder of everything that belongs to the test. */
  readonly folder: string;
  readonly process: ChildProcess;
  /** Folder in which `<service>/` are the sources that `mcp build` finds. */
  readonly workspace: string;
  /** Runs the CLI; `--config` is given. */
  mcp(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs the CLI, which must succeed; gives its stdout. */
  mcpOk(args: readonly string[]): Promise<string>;
  /** Starts the CLI and hands over the process. */
  mcpStart(args: readonly string[]): ChildProcess;
  /** `curl --cacert` by name through the proxy. */
  curl(url: string, args?: readonly string[]): Promise<Finished>;
  /** Answers of the platform's DNS server, and the status of the reply. */
  dig(name: string, type?: string): Promise<{ status: string; answers: string[] }>;
  /** Writes `<service>.toml`. */
  define(service: string, toml: string): Promise<string>;
  /** The pid of one program of the platform. */
  pidOf(program: "server" | "proxy" | "dns" | "agent"): Promise<number>;
  /** Stops the platform as a service manager would. */
  stop(): Promise<number | null>;
  /** Starts it again over the same data and ports. */
  startAgain(): Promise<void>;
}

/** How a platform is started. */
export interface PlatformOptions {
  /** Runs everything as this user, rootless. */
  readonly asUser?: {
    readonly name: string;
    readonly env: Readonly<Record<string, string>>;
    readonly repository: string;
  };
  readonly folder?: string;
}

/** The command line of a program of this repository on the runtime that runs the test. */
export function programCommand(entry: string, args: readonly string[], root = repository): [string, string[]] {
  const isDeno = process.versions["deno"] !== undefined;
  return [process.execPath, [...(isDeno ? ["run", "--allow-all", "--no-check"] : []), join(root, entry), ...args]];
}

/** Boots a platform on free ports and logs the admin in. */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "mc-")));
  const ports = await freePorts(3);
  const args = [
    "up",
    "--json",
    "--no-sample",
    ...[
      "--dir",
      join(folder, "mc"),
      "--proxy-port",
      String(ports[0]),
      "--dns-port",
      String(ports[1]),
      "--api-port",
      String(ports[2]),
    ],
  ];
  let up = await boot(args, options);
  const { ready } = up;
  const workspace = join(folder, "src");
  await mkdir(workspace, { recursive: true });
  const config = await readFile(ready.cliConfig, "utf8");
  const servicesFolder = join(folder, "services");
  await mkdir(servicesFolder, { recursive: true });
  await writeFile(
    ready.cliConfig,
    config.replace(/^workspace = .*$/m, `workspace = "${workspace}"`).replace(
      /^dir = .*$/m,
      `dir = "${servicesFolder}"`,
    ),
  );
  const platform: Platform = {
    ready,
    folder,
    get process() {
      return up.child;
    },
    workspace,
    mcp: (mcpArgs, runOptions) => {
      const [file, fileArgs] = asUser(
        programCommand("cli/main.ts", ["--config", ready.cliConfig, ...mcpArgs], rootOf(options)),
        options,
      );
      return run(file, fileArgs, runOptions);
    },
    mcpOk: async (mcpArgs) => {
      const finished = await platform.mcp(mcpArgs);
      if (finished.code !== 0) {
        throw new Error(
          `mcp ${mcpArgs.join(" ")} exited with ${finished.code}:\n${finished.stdout}\n${finished.stderr}`,
        );
      }
      return finished.stdout;
    },
    mcpStart: (mcpArgs) => {
      const [file, fileArgs] = asUser(
        programCommand("cli/main.ts", ["--config", ready.cliConfig, ...mcpArgs], rootOf(options)),
        options,
      );
      return spawn(file, fileArgs, { cwd: repository, env: process.env, stdio: "pipe" });
    },
    curl: (url, curlArgs = []) => {
      const { hostname, port } = new URL(url);
      const resolve = `${hostname}:${port === "" ? 443 : port}:127.0.0.1`;
      return run("curl", [
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        "--cacert",
        ready.ca,
        "--resolve",
        resolve,
        ...curlArgs,
        url,
      ]);
    },
    dig: async (name, type = "A") => {
      const [host = "", port = ""] = ready.dns.split(":");
      const text = await runOk("dig", [`@${host}`, "-p", port, "+time=2", "+tries=2", "+norecurse", name, type]);
      const answers = (/;; ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(text)?.[1] ?? "").split("\n").filter((line) =>
        line !== ""
      );
      return {
        status: /status: (\w+)/.exec(text)?.[1] ?? "",
        answers: answers.map((line) => line.split(/\s+/).slice(4).join(" ")),
      };
    },
    define: async (service, toml) => {
      const path = join(servicesFolder, `${service}.toml`);
      await writeFile(path, toml);
      return path;
    },
    pidOf: (program) => findChild(up.child.pid ?? 0, program),
    stop: () => stopProcess(up.child),
    startAgain: async () => {
      up = await boot(args, options);
    },
    async [Symbol.asyncDispose]() {
      if (up.child.exitCode === null && up.child.signalCode === null) await stopProcess(up.child);
      await rm(folder, { recursive: true, force: true });
    },
  };
  const password = (await readFile(ready.admin.passwordFile, "utf8")).trim();
  const login = await platform.mcp(["login", "--username", ready.admin.username, "--password-stdin"], {
    input: `${password}\n`,
  });
  if (login.code !== 0) throw new Error(`login failed: ${login.stderr}`);
  return platform;
}

function rootOf(options: PlatformOptions): string {
  return options.asUser?.repository ?? repository;
}

function asUser([file, args]: [string, string[]], { asUser }: PlatformOptions): [string, string[]] {
  if (asUser === undefined) return [file, args];
  const env = Object.entries(asUser.env).map(([name, value]) => `${name}=${value}`);
  // Not runuser: it kills what it runs two seconds after it was asked to end.
  return ["setpriv", [
    `--reuid=${asUser.name}`,
    `--regid=${asUser.name}`,
    "--init-groups",
    "env",
    ...env,
    file,
    ...args,
  ]];
}

async function boot(args: readonly string[], options: PlatformOptions): Promise<{ child: ChildProcess; ready: Ready }> {
  const [file, fileArgs] = asUser(programCommand("infra/metacircular.ts", args, rootOf(options)), options);
  const child = spawn(file, fileArgs, { cwd: rootOf(options), env: process.env, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => void (errors = (errors + String(chunk)).slice(-20_000)));
  const timer = setTimeout(() => child.kill("SIGKILL"), 90_000);
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    child.stdout.resume();
    return { child, ready: Ready.parse(JSON.parse(line)) };
  }
  throw new Error(`the platform did not become ready:\n${errors}`);
}

async function stopProcess(child: ChildProcess): Promise<number | null> {
  const exited = once(child, "exit");
  // Not child.kill(): Deno then reports the signal as the end, whatever the program's exit code.
  process.kill(child.pid ?? 0, "SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  await exited;
  clearTimeout(timer);
  return child.exitCode;
}

/** The pid of a program below `root`, by its command line. */
async function findChild(root: number, program: string): Promise<number> {
  return await waitUntil(async () => {
    const { stdout } = await run("ps", ["-eo", "pid=,ppid=,args="]);
    const processes = stdout.trim().split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
    const below = new Set([root]);
    for (const [, pid, parent] of processes) if (below.has(Number(parent))) below.add(Number(pid));
    const found = processes.find(([, pid, , args]) =>
      below.has(Number(pid)) && args?.includes(`metacircular.ts ${program}`)
    );
    return found === undefined ? undefined : Number(found[1]);
  }, { action: `find the ${program} process`, timeoutMs: 20_000 });
}

/** Free TCP ports of the loopback, below the ephemeral range so that nothing takes them meanwhile. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let port = 11_000 + Math.floor(Math.random() * 20_000); ports.length < count; port++) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (isFree) {
      ports.push(port);
      await new Promise((resolve) => server.close(resolve));
    }
  }
  return ports;
}

/** Copies a fixture into the workspace as the source of a service, with what its image needs of this machine. */
export async function addSource(platform: Platform, service: string, fixture: "web" | "tls"): Promise<void> {
  const target = join(platform.workspace, service);
  await cp(join(repository, "tests/platform/fixtures", fixture), target, { recursive: true });
  if (fixture === "web") {
    await cp("/bin/busybox", join(target, "busybox"), { dereference: true });
    return;
  }
  const binaries = ["/bin/busybox", "/usr/bin/socat"];
  const libraries = (await runOk("ldd", ["/usr/bin/socat"])).match(/\/[^\s]+/g) ?? [];
  for (const path of [...binaries, ...libraries]) {
    const copy = join(target, "root", path);
    await mkdir(dirname(copy), { recursive: true });
    await cp(path, copy, { dereference: true });
  }
  await mkdir(join(target, "root/bin"), { recursive: true });
}

/** Why tests on real containers cannot run here, or `false`. */
export async function whyNoPodman(): Promise<string | false> {
  const { code } = await run("podman", ["--version"]).catch(() => ({ code: 127 }));
  return code === 0 ? false : "podman is not installed";
}

/** Requests a URL again and again, several at once, until stopped; counts what was not a 200 with the expected body. */
export function startLoad(request: () => Promise<string>, isGood: (body: string) => boolean, workers = 4) {
  const failures: string[] = [];
  let total = 0;
  let isStopped = false;
  const seen = new Set<string>();
  const loops = Array.from({ length: workers }, async () => {
    while (!isStopped) {
      total++;
      try {
        const body = await request();
        if (isGood(body)) seen.add(body.trim());
        else failures.push(body.slice(0, 200));
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  return {
    async stop(): Promise<{ total: number; failures: string[]; seen: string[] }> {
      isStopped = true;
      await Promise.all(loops);
      return { total, failures, seen: [...seen] };
    },
  };
}
