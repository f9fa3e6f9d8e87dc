import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import { runLoop } from "#shared/lifecycle/run-loop.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import { type HostFacts, renderContainersConf, renderRegistriesConf } from "./containers-conf.ts";
import { isInstalled, readHostFacts } from "./host-facts.ts";
import { endPauseProcess, findPauseProcess } from "./pause-process.ts";
import { createPodman } from "./podman.ts";

/** How the podman API service is run. */
export interface PodmanServiceOptions {
  /** Receives the socket and the two configuration files; created when missing. */
  readonly folder: string;
  /** Receives what the service writes to stderr. */
  readonly log: Log;
  /** Registry whose images are pulled from a loopback listener: its name in image references, with port. */
  readonly registryName?: string;
  /** Where that registry listens, such as `127.0.0.1:5000`. */
  readonly registryLocation?: string;
  /** `$XDG_RUNTIME_DIR` of a rootless user: what podman starts there for its own use is ended with the service. */
  readonly runtimeFolder?: string;
  /** Facts of the machine; read from it unless given. */
  readonly facts?: HostFacts;
  /** Gives up when the service does not answer by then; 20 s unless given. */
  readonly timeoutMs?: number;
}

/** A running podman API service. Disposal ends the service and leaves the containers running. */
export interface PodmanService extends AsyncDisposable {
  /** Path of the unix socket. */
  readonly socketPath: string;
  /** Path of its containers.conf. */
  readonly containersConf: string;
  /** Path of its registries.conf. */
  readonly registriesConf: string;
  /** Variables under which the `podman` command sees the same world. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Longest path that fits into `sockaddr_un` (unix(7)), less the final zero byte. */
const maxSocketPathBytes = 107;

/**
 * Starts podman's API service with a configuration of its own, and starts it again should it end by itself. Nothing below
 * `/etc` is changed.
 *
 * @throws {PlatformError} unavailable — podman is not installed or does not answer; invalid-config — `folder` is too long
 */
export async function startPodmanService(options: PodmanServiceOptions): Promise<PodmanService> {
  const paths = toPaths(options.folder);
  await mkdir(options.folder, { recursive: true });
  await writeFile(paths.containersConf, renderContainersConf(options.facts ?? readHostFacts()));
  await writeFile(paths.registriesConf, renderRegistriesConf(toRegistry(options)));
  const environment = { CONTAINERS_CONF: paths.containersConf, CONTAINERS_REGISTRIES_CONF: paths.registriesConf };

  const { runtimeFolder } = options;
  const hadPauseProcess = runtimeFolder === undefined || findPauseProcess(runtimeFolder) !== undefined;
  const controller = new AbortController();
  const loop = runLoop((signal) => runOnce({ socketPath: paths.socketPath, environment, log: options.log, signal }), {
    name: "podman service",
    log: options.log,
    signal: controller.signal,
  });
  async function dispose(): Promise<void> {
    controller.abort();
    await loop;
    if (runtimeFolder !== undefined && !hadPauseProcess) endPauseProcess(runtimeFolder);
  }
  try {
    await waitForPing(paths.socketPath, options.timeoutMs ?? 20_000);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...paths, environment, [Symbol.asyncDispose]: dispose };
}

function toPaths(folder: string): { socketPath: string; containersConf: string; registriesConf: string } {
  if (!isInstalled("podman")) {
    throw new PlatformError("unavailable", "Cannot start podman: it is not installed, expected the package podman");
  }
  const socketPath = resolve(folder, "podman.sock");
  if (socketPath.length > maxSocketPathBytes) {
    const limit = `expected a path of at most ${maxSocketPathBytes} bytes`;
    throw new PlatformError(
      "invalid-config",
      `Cannot listen at "${socketPath}": it is ${socketPath.length} long, ${limit}`,
    );
  }
  return {
    socketPath,
    containersConf: resolve(join(folder, "containers.conf")),
    registriesConf: resolve(join(folder, "registries.conf")),
  };
}

function toRegistry(options: PodmanServiceOptions): { name: string; location: string } | undefined {
  const { registryName: name, registryLocation: location } = options;
  return name === undefined || location === undefined ? undefined : { name, location };
}

interface RunOnceOptions {
  socketPath: string;
  environment: Record<string, string>;
  log: Log;
  signal: AbortSignal;
}

async function runOnce(options: RunOnceOptions): Promise<void> {
  await rm(options.socketPath, { force: true });
  const child = spawn("podman", ["system", "service", "--time=0", `unix://${options.socketPath}`], {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "ignore", "pipe"],
    // A group of its own: rootless podman serves from a child, which does not hear of its parent's SIGTERM.
    detached: true,
  });
  const output = keepLastOutput(child, options.log);
  const onAbort = () => endGroup(child);
  options.signal.addEventListener("abort", onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  try {
    const [code, signalName] = await once(child, "exit");
    if (options.signal.aborted) return;
    throw new PlatformError(
      "unavailable",
      `Cannot keep podman's service: it ended with ${code ?? signalName}: ${output()}`,
    );
  } finally {
    options.signal.removeEventListener("abort", onAbort);
    // Podman's pause process inherits the pipe and would hold this process open.
    child.stderr.destroy();
  }
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGTERM");
  } catch {
    return; // it has ended already
  }
}

/** Logs each piece of stderr; the answer gives back the newest. */
function keepLastOutput(child: ChildProcess, log: Log): () => string {
  let last = "";
  child.stderr?.on("data", (chunk: unknown) => {
    last = String(chunk).trim().slice(-500);
    log.debug("podman service says", { text: last });
  });
  return () => last;
}

async function waitForPing(socketPath: string, timeoutMs: number): Promise<void> {
  const podman = createPodman(socketPath);
  let last: unknown;
  const answers = () => podman.ping().then(() => true, (error: unknown) => void (last = error));
  try {
    await waitUntil(async () => (await answers()) || undefined, {
      action: "reach podman's service",
      timeoutMs,
      intervalMs: 20,
    });
  } catch (cause) {
    const why = describeError(last);
    throw new PlatformError(
      "unavailable",
      `Cannot start podman's service: it does not answer within ${timeoutMs} ms: ${why}`,
      {
        cause,
      },
    );
  }
}
