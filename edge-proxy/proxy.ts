import { randomUUID } from "node:crypto";
import type { ProxyReport, Route } from "#shared/contract/state.ts";
import type { Log } from "#shared/log/log.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { CertificateFiles } from "./certificates/certificate-files.ts";
import {
  type CertificateKeeperOptions,
  type CertificateSource,
  type CertificateState,
  createCertificateKeeper,
} from "./certificates/certificate-keeper.ts";
import { createConnectionRouter } from "./connection-router.ts";
import { createBackendPools } from "./http/backend-pools.ts";
import { createHttpEdge } from "./http/http-edge.ts";
import { createInstanceLoad } from "./instance-load.ts";
import { serveL4 } from "./l4.ts";
import { defaultLimits, type ProxyLimits } from "./limits.ts";
import { createListeners } from "./listeners.ts";
import type { ProxyMetrics } from "./metrics.ts";
import { createRouteTable, routeKey, type RouteTable } from "./routes.ts";
import { createHostServers } from "./tls/host-servers.ts";

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
  const pools = createBackendPools({ idleMs: limits.backendKeepAliveMs });
  const listeners = createListeners({
    address: options.address,
    onConnection: (socket, port) => void router.accept(socket, port),
    onChange: publish,
    log,
  });
  const edge = createHttpEdge({ findRoute, load, pools, limits, metrics, log, newId: randomUUID });
  const hosts = createHostServers({
    handshakeMs: limits.handshakeMs,
    onSecure: (socket, hostname) => edge.accept(socket, { hostname, port: socket.localPort ?? mainPorts.port }),
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
    onChange: publish,
    now: options.now,
    log,
    ...(options.rootsPem === undefined ? {} : { rootsPem: options.rootsPem }),
    ...(options.certificateRetry === undefined ? {} : { retry: options.certificateRetry }),
  });
  const router = createConnectionRouter({
    table: () => table,
    limits,
    metrics,
    serveL4: (connection) => serveL4(connection, { load, limits, metrics, log }),
    serveL7(client, route) {
      if (!hosts.accept(route.hostname, client)) return false;
      client.once("close", metrics.connection(routeKey(route), "l7"));
      return true;
    },
  });

  function findRoute(listenerPort: number, hostname: string): Route | undefined {
    const route = table.find(listenerPort, hostname);
    return route?.mode === "l7" ? route : undefined;
  }

  function publish(): void {
    if (disposed === undefined) options.report(currentReport());
  }

  function currentReport(): ProxyReport {
    const states = table.routes.map((route) => ({ key: routeKey(route), state: stateOf(route) }));
    // Raised only when every route either serves or has a reason why not.
    if (states.every(({ state }) => state !== "pending")) appliedRevision = revision;
    const problems: Record<string, string> = {};
    for (const { key, state } of states) if (typeof state === "object") problems[key] = state.problem.slice(0, 2000);
    return { appliedRevision, problems, draining: load.outside(table.instances) };
  }

  function stateOf(route: Route): "serves" | "pending" | { readonly problem: string } {
    const port = table.extraPorts.has(route.port) ? listeners.state(route.port) : "open";
    if (typeof port === "object") return port;
    const certificate = route.mode === "l7" ? keeper.state(route.hostname) : undefined;
    if (typeof certificate === "object" && "problem" in certificate) return certificate;
    return port === "opening" || certificate === "pending" ? "pending" : "serves";
  }

  async function drain(): Promise<void> {
    log.info("draining", { drainMs: limits.drainMs });
    listeners.close();
    router.cutUnrouted();
    edge.drain();
    const deadline = new AbortController();
    await Promise.race([listeners.whenEmpty(), waitFor(limits.drainMs, deadline.signal)]);
    deadline.abort();
    listeners.cutAll();
    pools.retain(new Set());
    edge.close();
    await keeper.stop();
  }

  mainPorts = { ...mainPorts, port: await listeners.openMain(options.port) };
  table = createRouteTable([], mainPorts);
  return {
    port: mainPorts.port,
    table: () => table,
    apply(routes, newRevision) {
      table = createRouteTable(routes, mainPorts);
      revision = newRevision;
      pools.retain(table.backendKeys);
      listeners.setExtraPorts(table.extraPorts);
      keeper.want(table.tlsNames);
      log.info("routes applied", { revision, routes: routes.length });
      publish();
    },
    certificate: (hostname) => keeper.state(hostname),
    currentReport,
    [Symbol.asyncDispose]: () => (disposed ??= drain()),
  };
}
