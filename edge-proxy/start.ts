import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Fetch } from "#shared/contract/client.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Running } from "#shared/lifecycle/run-program.ts";
import { serveAdmin, serveAdminSocket } from "#shared/lifecycle/serve-admin.ts";
import type { Log, LogLevel } from "#shared/log/log.ts";
import { createAdmin } from "./admin.ts";
import { createCertificateFiles } from "./certificates/certificate-files.ts";
import type { ProxyConfig } from "./config.ts";
import { connectControlPlane, type ProxyControlPlane } from "./control-plane.ts";
import { createCounterBuffer } from "./firewall/counter-table.ts";
import { openCountryDatabase } from "./firewall/country-database.ts";
import { given } from "./given.ts";
import { followFirewall, followRoutes } from "./follow-feeds.ts";
import { defaultLimits } from "./limits.ts";
import type { InheritedSocket } from "./inherited-sockets.ts";
import { createLocalFirewall, type LocalFirewall } from "./local-firewall.ts";
import { createMetrics } from "./metrics.ts";
import { openOtherCertificates } from "./other-certificates.ts";
import { openProxy, type Proxy, type ProxyOptions } from "./proxy.ts";
import { openRedirectServer } from "./redirect-server.ts";
import { type Reporter, startReporter } from "./reporter.ts";
import { checkMigration } from "./socket-migration.ts";
import { loadTicketSecret } from "./tls/ticket-keys.ts";
import { openWorkerPlane } from "./workers/worker-plane.ts";

/** What {@link startProxy} takes besides its configuration. */
export interface StartProxyDependencies {
  /** Receives everything that is logged. */
  readonly log: Log;
  /** What is logged at first; `info` unless given. */
  readonly logLevel?: LogLevel;
  /** Changes what is logged; nothing unless given. */
  readonly setLogLevel?: (level: LogLevel) => void;
  /** Makes the program stop; nothing unless given. */
  readonly stop?: () => void;
  /** Listening sockets of whoever started the process. */
  readonly inherited?: readonly InheritedSocket[];
  /** Reaches the control plane; the runtime's own `fetch` unless given. */
  readonly fetch?: Fetch;
  /** Token for the control plane; from the enrolled identity unless given. */
  readonly token?: () => Promise<string>;
}

/** A running proxy. */
export interface RunningProxy extends Running {
  /** The bound addresses. */
  readonly ready: {
    readonly proxy: { readonly address: string; readonly port: number };
    readonly admin?: string;
    readonly adminSocket?: string;
    readonly redirectPort?: number;
  };
}

/**
 * Starts the proxy: the last good routes and certificates from disk serve first, so that it needs no control plane to start.
 *
 * @throws {PlatformError} conflict — when the main port is taken; unavailable — when the admin address is; invalid-config — when this
 * runtime cannot do what the configuration asks for
 */
export async function startProxy(config: ProxyConfig, dependencies: StartProxyDependencies): Promise<RunningProxy> {
  const { log } = dependencies;
  assertWorkers(config, dependencies);
  const access = { fetch: (request: Request) => fetch(request), ...dependencies };
  const controlPlane = await connectControlPlane(config, access);
  const stop = new AbortController();
  const stack = new AsyncDisposableStack();
  try {
    const reporter = startReporter({ send: controlPlane.report, log, signal: stop.signal });
    stack.defer(() => reporter.done);
    const { proxy, firewall, answerChallenge, followed } = await openParts({
      config,
      dependencies,
      controlPlane,
      reporter,
      stack,
    });
    const following = { config, controlPlane, log, signal: stop.signal };
    const feeds = [await followFirewall(firewall, { ...following, followed }), await followRoutes(proxy, following)];
    stack.defer(async () => {
      await Promise.all(feeds.map(({ done }) => done));
    });
    const redirect = await openRedirect(config, { proxy, firewall, answerChallenge, ...dependencies });
    if (redirect !== undefined) stack.use(redirect);
    const admin = await openAdmin(config, { proxy, firewall, dependencies, stack });
    stack.defer(() => stop.abort());
    const ready = {
      proxy: { address: config.address, port: proxy.port },
      ...admin,
      ...(redirect === undefined ? {} : { redirectPort: redirect.port }),
    };
    log.info("the proxy serves", ready);
    // Twice the time to drain is the end, whatever hangs (LIM9).
    const drainMs = Math.max(35_000, 2 * (config.limits.drainMs ?? defaultLimits.drainMs));
    return { ready, drainMs, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    stop.abort();
    await stack.disposeAsync();
    throw error;
  }
}

function assertWorkers({ workers = 1 }: ProxyConfig, { inherited = [] }: StartProxyDependencies): void {
  if (workers === 1) return;
  const cannot = `Cannot serve with ${workers} workers`;
  if (process.versions["deno"] !== undefined) {
    throw new PlatformError("invalid-config", `${cannot}: threads of Deno cannot share a port, expected workers = 1`);
  }
  if (inherited.length > 0) {
    const message = `${cannot} on inherited sockets: each needs one of its own, expected workers = 1 or no socket unit`;
    throw new PlatformError("invalid-config", message);
  }
}

/** Name of the inherited socket for plain HTTP. */
const httpName = "http";

interface Parts {
  readonly proxy: Proxy;
  readonly firewall: LocalFirewall;
  readonly answerChallenge: (path: string) => string | undefined;
  /** Notes that the rules of a feed revision hold. */
  readonly followed: (revision: number) => void;
}

interface OpenOptions {
  readonly config: ProxyConfig;
  readonly dependencies: StartProxyDependencies;
  readonly controlPlane: ProxyControlPlane;
  readonly reporter: Reporter;
  readonly stack: AsyncDisposableStack;
}

async function openParts({ config, dependencies, controlPlane, reporter, stack }: OpenOptions): Promise<Parts> {
  const { log } = dependencies;
  const { rootFile, countryFile } = config;
  const rootsPem = rootFile === undefined ? {} : { rootsPem: () => readFile(rootFile, "utf8") };
  const countries = countryFile === undefined ? undefined : await openCountryDatabase({ file: countryFile, log });
  if (countries !== undefined) stack.use(countries);
  const countryOf = countries === undefined ? {} : { countryOf: countries.countryOf };
  const others = await openOtherCertificates(config, { log, ...rootsPem });
  stack.use(others);
  const options: ProxyOptions = {
    ...await toPlaneOptions(config, dependencies),
    ...countryOf,
    ...rootsPem,
    certificates: controlPlane.certificates,
    otherCertificates: others.sources,
    certificateFiles: createCertificateFiles(join(config.folder, "certs")),
    report: (report) => reporter.update(report),
    metrics: createMetrics(),
    log,
    now: () => new Date(),
  };
  let firewallRevision: number | undefined;
  const proxy = stack.use(await openProxy({ ...options, firewallRevision: () => firewallRevision }));
  others.answerWith(proxy.plane);
  const firewall = createLocalFirewall({ apply: (rules) => proxy.plane.firewall(rules), ...countryOf });
  stack.defer(() => firewall.stop());
  const followed = (revision: number) => {
    firewallRevision = revision;
    proxy.publish();
  };
  return { proxy, firewall, followed, answerChallenge: others.answer };
}

/** What the data plane needs of a configuration. */
async function toPlaneOptions(
  config: ProxyConfig,
  { log, logLevel, inherited = [] }: StartProxyDependencies,
): Promise<Pick<ProxyOptions, "address" | "port" | "aliasPorts" | "limits" | "settings" | "openPlane">> {
  const { address, port, aliasPorts, limits, workers = 1, trackedClients: entries = 65_536 } = config;
  const reusePort = workers > 1 || config.settings?.reusePort === true;
  if (reusePort) await checkMigration(log);
  return {
    address,
    port,
    aliasPorts,
    limits,
    settings: {
      ...config.settings,
      ...given({ logLevel }),
      reusePort,
      inheritedFds: inherited.filter(({ name }) => name !== httpName).map(({ fd }) => fd),
      ticketSecret: await loadTicketSecret(join(config.folder, "tickets.secret")),
      counters: {
        connections: createCounterBuffer({ entries, workers }),
        requests: createCounterBuffer({ entries, workers }),
      },
    },
    ...(workers === 1
      ? {}
      : { openPlane: (plane) => openWorkerPlane(plane, workers, given({ countryFile: config.countryFile })) }),
  };
}

async function openRedirect(
  config: ProxyConfig,
  { proxy, firewall, answerChallenge, log, inherited }:
    & Omit<Parts, "followed">
    & Pick<StartProxyDependencies, "log" | "inherited">,
): Promise<Awaited<ReturnType<typeof openRedirectServer>> | undefined> {
  if (config.redirectPort === undefined) return undefined;
  return await openRedirectServer({
    address: config.address,
    port: config.redirectPort,
    ...given({ fd: inherited?.find(({ name }) => name === httpName)?.fd }),
    reusePort: config.settings?.reusePort ?? false,
    portOf: (hostname) => externalPortOf(proxy, hostname),
    answerChallenge: (_hostname, path) => answerChallenge(path),
    isBlocked: (address) => firewall.explain(address).kind === "blocked" && !firewall.rules().shadow,
    requestHeadMs: config.limits.requestHeadMs ?? 10_000,
    maxConnections: 1_000,
    log,
  });
}

/** Where a client of HTTP should go: 443 if the route is there, else the route's own port. */
function externalPortOf(proxy: Proxy, hostname: string): number | undefined {
  return proxy.table().find(proxy.port, hostname)?.port;
}

async function openAdmin(
  config: ProxyConfig,
  { proxy, firewall, dependencies, stack }: {
    readonly proxy: Proxy;
    readonly firewall: LocalFirewall;
    readonly dependencies: StartProxyDependencies;
    readonly stack: AsyncDisposableStack;
  },
): Promise<{ readonly admin?: string; readonly adminSocket?: string }> {
  const { stop = () => {} } = dependencies;
  const setLogLevel = (level: LogLevel) => {
    dependencies.setLogLevel?.(level);
    proxy.plane.logLevel(level);
  };
  const app = createAdmin({ proxy, firewall, setLogLevel, stop });
  const server = config.adminListen && stack.use(await serveAdmin(app, config.adminListen));
  const { adminSocket } = config;
  if (adminSocket !== undefined) stack.use(await serveAdminSocket(app, adminSocket));
  return {
    ...(server === undefined ? {} : { admin: server.url }),
    ...(adminSocket === undefined ? {} : { adminSocket: adminSocket.path }),
  };
}
