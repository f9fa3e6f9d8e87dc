import type { Socket } from "node:net";
import { waitFor } from "#shared/lifecycle/wait.ts";
import { createChallengeResponder } from "./acme/challenge-responder.ts";
import { createAdmission } from "./admit-connection.ts";
import { type Attachments, createAttachments } from "./attachments.ts";
import { type ConnectionRouter, createConnectionRouter } from "./connection-router.ts";
import type { DataPlane, DataPlaneOptions, PlaneFacts } from "./data-plane.ts";
import { createBlockTest } from "./firewall/block-set.ts";
import { type ConnectionGuard, createConnectionGuard } from "./firewall/connection-guard.ts";
import { createConnectionLimiter } from "./firewall/connection-limiter.ts";
import { attachCounterTable } from "./firewall/counter-table.ts";
import { createInstanceLoad, type InstanceLoad } from "./instance-load.ts";
import { createL7Side, type L7Side } from "./l7/l7-side.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import type { ProxyMetrics } from "./metrics.ts";
import { createRouteTable, type RouteTable } from "./routes.ts";
import { createServing } from "./serving.ts";

/**
 * Opens a data plane in this thread.
 *
 * @throws {PlatformError} conflict — when the main port cannot be opened
 */
export async function openDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { metrics, limits } = options;
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
  const guard = createGuard(options);
  let accepted = 0;
  const unsettled = new Map<Socket, number>();
  const l7 = createL7Side(options, { table, load });
  const serving = createServing({ ...options, load, attachments, acceptSecure: l7.accept });
  const challenges = createChallengeResponder(limits);
  const admit = createAdmission({
    ...options,
    guard,
    requiresProxyHeader: (listenerPort) => options.proxyProtocolPorts.includes(listenerPort),
    isTrustedProxy: createBlockTest(options.trustedProxies),
    accepted: () => void (accepted += 1),
    isCrowded: () => unsettled.size >= limits.handshakes,
  });
  const answerChallenge = challenges.accept;
  const router = createConnectionRouter({ ...options, ...serving, table, admit, unsettled, answerChallenge });
  accept = router.accept;
  metrics.collectFrom((sink) => {
    attachments.flush();
    sink.add("mc_proxy_unrouted_open", "", unsettled.size);
    sink.add("mc_proxy_accepted_total", "", accepted);
    sink.add("mc_proxy_workers", "", 1);
  });
  listeners.setExtraPorts(table.extraPorts);

  return {
    port,
    table,
    apply: createApply({ table, listeners, attachments, l7, metrics }),
    certificate: serving.certificate,
    challenge: (step, challenge) => Promise.resolve(challenges[step](challenge)),
    firewall: guard.apply,
    roots: l7.roots,
    logLevel: () => {},
    portState: listeners.state,
    ports: listeners.ports,
    draining: () => load.outside(table.instances),
    workers: () => 1,
    facts: () => Promise.resolve(factsOf({ listeners, load, attachments, guard })),
    otherSamples: () => Promise.resolve([]),
    drain: () => drain({ ...options, listeners, router, attachments, l7 }),
  };
}

function factsOf({ listeners, load, attachments, guard }: {
  readonly listeners: Listeners;
  readonly load: InstanceLoad;
  readonly attachments: Attachments;
  readonly guard: ConnectionGuard;
}): PlaneFacts {
  return {
    openConnections: listeners.open(),
    instancesAside: load.aside(),
    attachments: attachments.list(),
    firewallHits: guard.hits(),
  };
}

/** Takes a step of the routes to all who hold something of a route. */
function createApply({ table, listeners, attachments, l7, metrics }: {
  readonly table: RouteTable;
  readonly listeners: Listeners;
  readonly attachments: Attachments;
  readonly l7: L7Side;
  readonly metrics: ProxyMetrics;
}): DataPlane["apply"] {
  return (changes) => {
    const before = table.versions;
    const applied = table.apply(changes);
    if (before.extraPorts !== table.versions.extraPorts) listeners.setExtraPorts(table.extraPorts);
    attachments.drainGone(applied.gone);
    attachments.keep(applied.changed);
    l7.routesChanged(applied.gone.length > 0);
    for (const key of applied.gone) metrics.forget(key);
    return applied;
  };
}

/** How long tunnels may take to close after they were told to, in milliseconds. */
const goodbyeMs = 1_000;

/** How long a connection that was just accepted may take to say what it wants, in milliseconds. Scanners never do (LIM9). */
const greetingMs = 1_000;

interface Drainable extends Pick<DataPlaneOptions, "limits" | "log"> {
  readonly listeners: Listeners;
  readonly router: ConnectionRouter;
  readonly attachments: Attachments;
  readonly l7: L7Side;
}

async function drain({ limits, log, listeners, router, attachments, l7 }: Drainable): Promise<void> {
  log.info("draining", { drainMs: limits.drainMs });
  listeners.close();
  router.cutUnrouted(greetingMs);
  const greeting = setTimeout(() => router.cutUnrouted(0), Math.min(greetingMs, limits.drainMs));
  l7.drain();
  const deadline = new AbortController();
  await Promise.race([listeners.whenEmpty(), waitFor(limits.drainMs, deadline.signal)]);
  if (listeners.open() > 0) {
    l7.closeTunnels();
    await Promise.race([listeners.whenEmpty(), waitFor(goodbyeMs, deadline.signal)]);
  }
  deadline.abort();
  clearTimeout(greeting);
  listeners.cutAll();
  attachments.stop();
  l7.close();
}

/** The firewall and the caps of connections, one for all workers. */
function createGuard({ counters, worker, limits, countryOf }: DataPlaneOptions): ConnectionGuard {
  return createConnectionGuard({
    limiter: createConnectionLimiter({ counters: attachCounterTable(counters.connections, worker) }),
    limits: { maxOpenTotal: limits.connections, maxOpenPerAddress: limits.connectionsPerAddress },
    ...(countryOf === undefined ? {} : { countryOf }),
  });
}
