import { randomUUID } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Route } from "#shared/contract/route.ts";
import type { ProxyReport } from "#shared/contract/state.ts";
import type { Log } from "#shared/log/log.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { CertificateFiles } from "./certificates/certificate-files.ts";
import {
  type CertificateKeeper,
  type CertificateKeeperOptions,
  type CertificateSource,
  type CertificateState,
  createCertificateKeeper,
} from "./certificates/certificate-keeper.ts";
import { type ConnectionRouter, createConnectionRouter } from "./connection-router.ts";
import { createInstanceLoad } from "./instance-load.ts";
import { type L4Dependencies, serveL4 } from "./l4.ts";
import { createBackends } from "./l7/backends.ts";
import { createDeadlines } from "./l7/deadlines.ts";
import { createGatekeeper } from "./l7/gatekeeper.ts";
import { createL7Edge, type L7Edge } from "./l7/l7-edge.ts";
import { defaultLimits, type ProxyLimits } from "./limits.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import type { ProxyMetrics } from "./metrics.ts";
import { reportOf } from "./report-of.ts";
import { createRouteTable, routeKey, type RouteTable } from "./routes.ts";
import { createHostServers, type HostServers } from "./tls/host-servers.ts";

/** What {@link openProxy} needs. */
export interface ProxyOptions {
  /** Address that every listener binds. */
  readonly address: string;
  /** Main port; 0 picks a free one. */
  readonly port: number;
  /** External ports that end at the main listener too. */
  readonly aliasPorts: readonly number[];
  /** Issues certificates for L7 names. */
  readonly certificates: CertificateSource;
  /** Keeps them. */
  readonly certificateFiles: CertificateFiles;
  /** PEM of the roots that certificates must lead to; not checked without it. */
  readonly rootsPem?: () => Promise<string | undefined>;
  /** Called with each state of the proxy that differs from the one before. */
  readonly report: (report: ProxyReport) => void;
  /** Counts what happens. */
  readonly metrics: ProxyMetrics;
  /** Receives requests, failures and changes. */
  readonly log: Log;
  /** The clock for certificates. */
  readonly now: () => Date;
  /** Time limits that differ from {@link defaultLimits}. */
  readonly limits?: Partial<ProxyLimits>;
  /** Waits between failed tries to get a certificate. */
  readonly certificateRetry?: CertificateKeeperOptions["retry"];
}

/** A proxy that accepts connections. */
export interface Proxy extends AsyncDisposable {
  /** The main port. */
  readonly port: number;
  /** The routes at this moment. */
  readonly table: () => RouteTable;
  /** Routes connections and requests by `routes` from now on; what is under way goes on. */
  apply(routes: readonly Route[], revision: number): void;
  /** What is known of the certificate of an L7 name. */
  certificate(hostname: string): CertificateState;
  /** What it would report now. */
  currentReport(): ProxyReport;
  /** Stops accepting, lets requests and connections in flight end within the drain time, then cuts the rest. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens the proxy without any route.
 *
 * @throws {PlatformError} conflict — when the main port cannot be opened
 */
export async function openProxy(options: ProxyOptions): Promise<Proxy> {
  const { metrics, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  let mainPorts = { port: options.port, aliasPorts: options.aliasPorts };
  let table = createRouteTable([], mainPorts);
  let revision = 0;
  let appliedRevision = 0;
  let disposed: Promise<void> | undefined;

  const load = createInstanceLoad((instance) => table.instances.has(instance) || publish());
  const deadlines = createDeadlines();
  const backends = createBackends({ deadlines, idleMs: limits.backendKeepAliveMs, rootsPem: () => undefined });
  const listeners = createListeners({
    address: options.address,
    onConnection: (socket, port) => router.accept(socket, port),
    onChange: publish,
    log,
  });
  const edge = createL7Edge({
    findRoute,
    load,
    backends,
    gatekeeper: createGatekeeper(),
    limits,
    deadlines,
    counter: (key) => metrics.route(key),
    log,
    accessLog: "all",
    newId: randomUUID,
    isDraining: () => disposed !== undefined,
  });
  const onSecure = (socket: TLSSocket, hostname: string) =>
    edge.accept(socket, {
      hostname,
      port: socket.localPort ?? mainPorts.port,
      clientAddress: (socket.remoteAddress ?? "0.0.0.0").replace(/^::ffff:/, ""),
    });
  const { hosts, keeper } = createTermination(options, {
    handshakeMs: limits.handshakeMs,
    onSecure,
    onChange: publish,
  });
  const router = createRouter({ table: () => table, load, limits, hosts, metrics, log });

  function findRoute(listenerPort: number, hostname: string): Route | undefined {
    const route = table.find(listenerPort, hostname);
    return route?.mode === "l7" ? route : undefined;
  }

  function publish(): void {
    if (disposed === undefined) options.report(currentReport());
  }

  function currentReport(): ProxyReport {
    const sources = { port: listeners.state, certificate: keeper.state, load };
    const { isSettled, ...report } = reportOf(table, sources);
    if (isSettled) appliedRevision = revision;
    return { appliedRevision, ...report };
  }

  mainPorts = { ...mainPorts, port: await listeners.openMain(options.port) };
  table = createRouteTable([], mainPorts);
  return {
    port: mainPorts.port,
    table: () => table,
    apply(routes, newRevision) {
      table = createRouteTable(routes, mainPorts);
      revision = newRevision;
      listeners.setExtraPorts(table.extraPorts);
      keeper.want(table.tlsNames);
      log.info("routes applied", { revision, routes: routes.length });
      publish();
    },
    certificate: (hostname) => keeper.state(hostname),
    currentReport,
    [Symbol.asyncDispose]: () => (disposed ??= drain({ listeners, router, edge, backends, keeper }, { limits, log })),
  };
}

/** The TLS side of L7 routes: a server for each name that has a certificate, and what keeps those certificates alive. */
function createTermination(
  options: ProxyOptions,
  hooks: {
    readonly handshakeMs: number;
    readonly onSecure: (socket: TLSSocket, hostname: string) => void;
    readonly onChange: () => void;
  },
): { readonly hosts: HostServers; readonly keeper: CertificateKeeper } {
  const { metrics, log } = options;
  const hosts = createHostServers({
    ...hooks,
    onFault(hostname, error) {
      metrics.refused("handshake");
      log.debug("a handshake failed", { hostname, error });
    },
  });
  const keeper = createCertificateKeeper({
    source: options.certificates,
    files: options.certificateFiles,
    onCertificate(hostname, certificate) {
      if (certificate === undefined) hosts.delete(hostname);
      else hosts.set(hostname, certificate);
      metrics.certificate(hostname, certificate?.notAfter);
    },
    onChange: hooks.onChange,
    now: options.now,
    log,
    ...(options.rootsPem === undefined ? {} : { rootsPem: options.rootsPem }),
    ...(options.certificateRetry === undefined ? {} : { retry: options.certificateRetry }),
  });
  return { hosts, keeper };
}

function createRouter(
  parts: L4Dependencies & {
    readonly table: () => RouteTable;
    readonly limits: ProxyLimits;
    readonly hosts: HostServers;
  },
): ConnectionRouter {
  const { table, limits, hosts, metrics } = parts;
  return createConnectionRouter({
    table,
    limits,
    metrics,
    serveL4: (connection) => serveL4(connection, parts),
    serveL7(client, route) {
      if (!hosts.accept(route.hostname, client)) return false;
      client.once("close", metrics.route(routeKey(route)).connection("l7"));
      return true;
    },
  });
}

interface Drainable {
  readonly listeners: Listeners;
  readonly router: ConnectionRouter;
  readonly edge: L7Edge;
  readonly backends: { close(): void };
  readonly keeper: CertificateKeeper;
}

async function drain(
  { listeners, router, edge, backends, keeper }: Drainable,
  { limits, log }: { readonly limits: ProxyLimits; readonly log: Log },
): Promise<void> {
  log.info("draining", { drainMs: limits.drainMs });
  listeners.close();
  router.cutUnrouted();
  edge.drain();
  const deadline = new AbortController();
  await Promise.race([listeners.whenEmpty(), waitFor(limits.drainMs, deadline.signal)]);
  deadline.abort();
  listeners.cutAll();
  backends.close();
  await keeper.stop();
}
