import { randomUUID } from "node:crypto";
import type { Route } from "#shared/contract/route.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import { type Attachment, createAttachments } from "./attachments.ts";
import { createConnectionCaps } from "./connection-caps.ts";
import { type ConnectionRouter, createConnectionRouter } from "./connection-router.ts";
import type { PortState } from "./extra-ports.ts";
import { createBlockTest } from "./firewall/block-set.ts";
import { createInstanceLoad, type InstanceLoad } from "./instance-load.ts";
import { createBackends } from "./l7/backends.ts";
import type { L7Context } from "./l7/context.ts";
import { createDeadlines } from "./l7/deadlines.ts";
import { createGatekeeper } from "./l7/gatekeeper.ts";
import { createL7Edge } from "./l7/l7-edge.ts";
import type { ProxyLimits } from "./limits.ts";
import { createListeners } from "./listeners.ts";
import type { ProxyMetrics } from "./metrics.ts";
import type { MetricSamples } from "./metrics/samples.ts";
import { type AppliedChanges, createRouteTable, type RouteChanges, type RouteTable } from "./routes.ts";
import { createServing } from "./serving.ts";
import type { TlsMaterial } from "./tls/host-servers.ts";

/** Settings of a data plane: plain data, so that a worker can be given them. */
export interface DataPlaneSettings {
  /** Address that every listener binds. */
  readonly address: string;
  /** Main port; 0 picks a free one. */
  readonly port: number;
  /** External ports that end at the main listener too. */
  readonly aliasPorts: readonly number[];
  /** Routes of the configuration. */
  readonly staticRoutes: readonly Route[];
  /** Descriptors of listening sockets that were inherited. */
  readonly inheritedFds: readonly number[];
  /** Whether others may listen on the same ports. */
  readonly reusePort: boolean;
  /** Listeners whose connections begin with a header of the PROXY protocol. */
  readonly proxyProtocolPorts: readonly number[];
  /** Who may send one: addresses and CIDR blocks. */
  readonly trustedProxies: readonly string[];
  /** How connections for no or unknown names are refused. */
  readonly refuseWith: "alert" | "reset";
  /** Name of clients that ask for none. */
  readonly defaultHostname?: string;
  readonly limits: ProxyLimits;
  /** Which requests get a log line. */
  readonly accessLog: L7Context["accessLog"];
  /** What the keys of session tickets are derived from. */
  readonly ticketSecret: Uint8Array;
}

/** What {@link openDataPlane} needs. */
export interface DataPlaneOptions extends DataPlaneSettings {
  readonly metrics: ProxyMetrics;
  readonly log: Log;
  /** Called when {@link DataPlane.portState} or {@link DataPlane.draining} may have changed. */
  readonly onChange: (what: "ports" | "draining") => void;
}

/** What moves bytes: listeners, routing, L4 and L7. It knows nothing of where routes and certificates come from. */
export interface DataPlane {
  /** The main port. */
  readonly port: number;
  /** The routes. */
  readonly table: RouteTable;
  /** Routes connections and requests by the changed routes from now on; what is under way goes on. */
  apply(changes: RouteChanges): AppliedChanges;
  /** Serves a certificate from the next handshake on; refuses handshakes of the name when there is none. */
  certificate(hostname: string, material: TlsMaterial | undefined): void;
  /** Verifies instances that speak TLS against these roots (PEM). */
  roots(pem: string): void;
  /** What is known of an extra port. */
  portState(port: number): PortState;
  /** What it listens on. */
  ports(): readonly number[];
  /** Connections and requests at instances that no route names any more. */
  draining(): Record<string, number>;
  /** Instances that failed lately, and for how many milliseconds others are preferred. */
  instancesAside(): Promise<Record<string, number>>;
  /** Open connections. */
  openConnections(): Promise<number>;
  /** Who is connected to which route. */
  attachments(): Promise<Attachment[]>;
  /** What was counted outside this thread, one page for each worker. */
  otherSamples(): Promise<MetricSamples[]>;
  /** How many workers serve. */
  workers(): number;
  /** Stops accepting, lets what is in flight end within the drain time, then cuts the rest. */
  drain(): Promise<void>;
}

/**
 * Opens a data plane in this thread.
 *
 * @throws {PlatformError} conflict — when the main port cannot be opened
 */
export async function openDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { metrics, log, limits } = options;
  // The port decides which routes end at the main listener, so the listener comes before the routes.
  let accept: ConnectionRouter["accept"] = (client) => Promise.resolve(void client.destroy());
  const listeners = createListeners({
    ...options,
    onConnection: (socket, port) => accept(socket, port),
    onChange: () => options.onChange("ports"),
  });
  const port = await listeners.openMain(options.port);
  const table = createRouteTable({ ...options, port }, options.staticRoutes);
  const load = createInstanceLoad((instance) => table.instances.has(instance) || options.onChange("draining"));
  const attachments = createAttachments({
    drainMs: limits.drainMs,
    isCurrent: (route) => table.routesOf(route.hostname).includes(route),
  });
  const caps = createConnectionCaps(limits);
  const l7 = createL7Side(options, { table, load });
  const serving = createServing({ ...options, load, attachments, acceptSecure: l7.edge.accept });
  const router = createConnectionRouter({
    ...options,
    table,
    caps,
    requiresProxyHeader: (listenerPort) => options.proxyProtocolPorts.includes(listenerPort),
    isTrustedProxy: createBlockTest(options.trustedProxies),
    judge: () => undefined,
    serveL4: serving.serveL4,
    serveL7: serving.serveL7,
  });
  accept = router.accept;
  metrics.collectFrom((sink) => {
    attachments.flush();
    sink.add("mc_proxy_unrouted_open", "", caps.unsettled());
  });
  listeners.setExtraPorts(table.extraPorts);

  function apply(changes: RouteChanges): AppliedChanges {
    const before = table.versions;
    const applied = table.apply(changes);
    if (before.extraPorts !== table.versions.extraPorts) listeners.setExtraPorts(table.extraPorts);
    attachments.drainGone(applied.gone);
    attachments.keep(applied.changed);
    for (const key of applied.gone) metrics.forget(key);
    return applied;
  }

  async function drain(): Promise<void> {
    log.info("draining", { drainMs: limits.drainMs });
    listeners.close();
    router.cutUnrouted();
    l7.drain();
    const deadline = new AbortController();
    await Promise.race([listeners.whenEmpty(), waitFor(limits.drainMs, deadline.signal)]);
    deadline.abort();
    listeners.cutAll();
    attachments.stop();
    l7.close();
  }

  return {
    port,
    table,
    apply,
    certificate: serving.certificate,
    roots: l7.roots,
    portState: listeners.state,
    ports: listeners.ports,
    draining: () => load.outside(table.instances),
    instancesAside: () => Promise.resolve(load.aside()),
    openConnections: () => Promise.resolve(listeners.open()),
    attachments: () => Promise.resolve(attachments.list()),
    otherSamples: () => Promise.resolve([]),
    workers: () => 1,
    drain,
  };
}

/** The HTTP side. */
function createL7Side(
  { limits, metrics, log, accessLog }: DataPlaneOptions,
  { table, load }: { readonly table: RouteTable; readonly load: InstanceLoad },
) {
  let rootsPem: string | undefined;
  let isDraining = false;
  const deadlines = createDeadlines();
  const backends = createBackends({ deadlines, idleMs: limits.backendKeepAliveMs, rootsPem: () => rootsPem });
  const edge = createL7Edge({
    findRoute(listenerPort, hostname) {
      const route = table.find(listenerPort, hostname);
      return route?.mode === "l7" ? route : undefined;
    },
    load,
    backends,
    gatekeeper: createGatekeeper(),
    limits,
    deadlines,
    counter: (key) => metrics.route(key),
    log,
    accessLog,
    newId: randomUUID,
    isDraining: () => isDraining,
  });
  return {
    edge,
    roots: (pem: string) => void (rootsPem = pem),
    drain(): void {
      isDraining = true;
      edge.drain();
    },
    close: () => backends.close(),
  };
}
