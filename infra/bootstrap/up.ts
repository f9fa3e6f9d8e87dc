import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import { createPodman } from "../../node-runtime/podman/podman.ts";
import { startPodmanService } from "../../node-runtime/podman/podman-service.ts";
import { enrolNode } from "./enrol-node.ts";
import { type Layout, layoutOf, type ProgramName } from "./layout.ts";
import { createProcessRecord, endLeftovers, endPodmanServices } from "./leftovers.ts";
import { acquireLock } from "./lock.ts";
import { loadPlatformId } from "./platform-id.ts";
import { assertPortFree, findFreePort } from "./ports.ts";
import { apiUrlOf, hostPort, type PlatformFacts, registryLocationOf, registryNameOf } from "./program-configs.ts";
import { toProgramCommand, toProgramEnvironment } from "./program-command.ts";
import { removePlatformContainers } from "./remove-containers.ts";
import { openRotatingLog } from "./rotating-log.ts";
import { type SupervisedProgram, superviseProgram } from "./supervise.ts";
import { preferredApiPort, type UpOptions } from "./up-options.ts";
import { writeConfigs } from "./write-configs.ts";

/** What is printed, and needed, once the platform serves. */
export interface ReadyFacts {
  readonly domain: string;
  /** Path of the root certificate. */
  readonly ca: string;
  /** Origin of the API. */
  readonly api: string;
  /** `host:port` of the proxy. */
  readonly proxy: string;
  /** `host:port` of the name server. */
  readonly dns: string;
  /** Registry in image references. */
  readonly registry: string;
  readonly admin: { readonly username: string; readonly passwordFile: string };
  /** Path of an `mcp.toml`. */
  readonly cliConfig: string;
}

/** What {@link startUp} takes besides the operator's options. */
export interface UpDependencies {
  readonly log: Log;
  /** Folder of the programs' sources. */
  readonly sourceFolder: string;
  /** Cancels the start. */
  readonly signal: AbortSignal;
}

/** A platform that runs on this machine. */
export interface RunningPlatform extends AsyncDisposable {
  readonly facts: ReadyFacts;
}

/**
 * Brings up a whole platform and waits until all of it serves. Disposal stops the programs in order, removes the platform's
 * containers and stops podman's service; the data stays.
 *
 * @throws {PlatformError} conflict — the folder or a port is taken; unavailable — podman or a program cannot be started;
 *   cancelled — by the signal
 */
export async function startUp(options: UpOptions, deps: UpDependencies): Promise<RunningPlatform> {
  const { signal } = deps;
  const stack = new AsyncDisposableStack();
  let ending: Promise<void> | undefined;
  const end = () => ending ??= stack.disposeAsync();
  // A start that is cancelled ends what runs so far, upon which whatever the start waits for fails.
  const onAbort = () => void end().catch((error: unknown) => deps.log.error("cannot end the start", { error }));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const facts = await bringUp(options, deps, stack);
    signal.throwIfAborted();
    return { facts, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    if (!signal.aborted) throw error;
    throw new PlatformError("cancelled", "Cannot start the platform: it was asked to stop", { cause: error });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function bringUp(options: UpOptions, deps: UpDependencies, stack: AsyncDisposableStack): Promise<ReadyFacts> {
  const { log } = deps;
  const layout = layoutOf(options.folder);
  await mkdir(layout.folder, { recursive: true });
  await chmod(layout.folder, 0o700);
  stack.use(await acquireLock(layout.lock));
  await endLeftovers(layout.programs, log);
  const platformId = await loadPlatformId(layout.platformId);
  const podmanFolder = podmanFolderOf(layout, platformId);
  const facts: PlatformFacts = {
    ...options,
    apiPort: await choosePorts(options),
    platformId,
    podmanSocket: join(podmanFolder, "podman.sock"),
  };
  await writeConfigs(facts, { layout, podmanFolder });
  await endPodmanServices(facts.podmanSocket, log);

  const run = createRunner(layout, deps, stack);
  // The order of registration is the order of the end, reversed: programs, containers, podman's service.
  const podmanStack = stack.use(new AsyncDisposableStack());
  const podman = startPodman(facts, podmanFolder, log).then(async (service) => {
    if (podmanStack.disposed) await service[Symbol.asyncDispose]();
    else podmanStack.use(service);
  });
  stack.defer(() => removeContainers(facts, log));
  const server = run("server");
  const [podmanStart, serverStart] = await Promise.allSettled([podman, server.ready]);
  for (const start of [podmanStart, serverStart]) if (start.status === "rejected") throw start.reason;
  await enrolNode({
    mciasUrl: apiUrlOf(facts),
    domain: facts.domain,
    joinTokenPath: layout.joinToken(facts.node),
    identityPath: layout.identity,
  });
  const programs = [run("dns"), run("proxy"), run("agent")];
  await Promise.all(programs.map(({ ready }) => ready));
  await waitForNode(facts);
  return toReadyFacts(facts, layout);
}

/** The longest path of a unix socket is 107 bytes (unix(7)): in a deep folder the socket lives elsewhere. */
function podmanFolderOf(layout: Layout, platformId: string): string {
  return join(layout.podman, "podman.sock").length < 100 ? layout.podman : join(tmpdir(), `metacircular-${platformId}`);
}

/** The API's port, once all ports are known to be free. */
async function choosePorts({ address, proxyPort, dnsPort, apiPort }: UpOptions): Promise<number> {
  await assertPortFree({ address, port: proxyPort, protocols: ["tcp"], flag: "--proxy-port" });
  await assertPortFree({ address, port: dnsPort, protocols: ["tcp", "udp"], flag: "--dns-port" });
  if (apiPort === undefined) return await findFreePort("127.0.0.1", preferredApiPort);
  await assertPortFree({ address: "127.0.0.1", port: apiPort, protocols: ["tcp"], flag: "--api-port" });
  return apiPort;
}

/** The node counts once the control plane has heard of it: before that a deployment would be refused. */
async function waitForNode(facts: PlatformFacts): Promise<void> {
  const line = `metacircular_node_silent_seconds{node="${facts.node}"}`;
  const isKnown = async () => (await (await fetch(`${apiUrlOf(facts)}/metrics`)).text()).includes(line) || undefined;
  await waitUntil(isKnown, {
    action: `see the first report of node "${facts.node}"`,
    timeoutMs: 20_000,
    intervalMs: 50,
  });
}

function startPodman(facts: PlatformFacts, folder: string, log: Log): Promise<AsyncDisposable> {
  const runtimeFolder = process.env["XDG_RUNTIME_DIR"];
  return startPodmanService({
    ...(runtimeFolder === undefined ? {} : { runtimeFolder }),
    folder,
    log: log.child({ program: "podman" }),
    registryName: registryNameOf(facts),
    registryLocation: registryLocationOf(facts),
  });
}

/** Without a podman there is nothing to remove: that it did not start has been said already. */
async function removeContainers(facts: PlatformFacts, log: Log): Promise<void> {
  const podman = createPodman(facts.podmanSocket);
  if (!existsSync(facts.podmanSocket)) return;
  await removePlatformContainers(podman, facts.platformId, log);
}

/** Starts programs that are kept running until `stack` is disposed. */
function createRunner(
  layout: Layout,
  deps: UpDependencies,
  stack: AsyncDisposableStack,
): (name: ProgramName) => SupervisedProgram {
  const record = createProcessRecord(layout.programs);
  return (name) => {
    const output = stack.use(openRotatingLog({ path: layout.log(name) }));
    return stack.use(superviseProgram({
      ...toProgramCommand(join(deps.sourceFolder, "infra", "metacircular.ts"), [name, "--config", layout.config(name)]),
      name,
      env: toProgramEnvironment(deps.sourceFolder),
      output,
      log: deps.log,
      onStart(pid) {
        record.add(name, pid).catch((error: unknown) =>
          deps.log.warn("cannot record a program", { program: name, error })
        );
      },
    }));
  };
}

function toReadyFacts(facts: PlatformFacts, layout: Layout): ReadyFacts {
  return {
    domain: facts.domain,
    ca: layout.ca,
    api: apiUrlOf(facts),
    proxy: hostPort(facts.address, facts.proxyPort),
    dns: hostPort(facts.address, facts.dnsPort),
    registry: registryNameOf(facts),
    admin: { username: "admin", passwordFile: layout.adminPassword },
    cliConfig: layout.cliConfig,
  };
}
