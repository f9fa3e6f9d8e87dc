import { randomUUID } from "node:crypto";
import { attachCounterTable } from "../firewall/counter-table.ts";
import { createRequestLimiter } from "../firewall/request-limiter.ts";
import type { DataPlaneOptions } from "../data-plane.ts";
import type { InstanceLoad } from "../instance-load.ts";
import { createForwardAuth, type ForwardAuth } from "../policies/forward-auth.ts";
import { createHoldings } from "../policies/holdings.ts";
import {
  createRouteGatekeeper,
  type RouteGatekeeper,
  type RouteGatekeeperDependencies,
} from "../policies/route-gatekeeper.ts";
import { routeKey, type RouteTable } from "../routes.ts";
import { createBackends } from "./backends.ts";
import { createDeadlines } from "./deadlines.ts";
import { createL7Edge, type L7Edge } from "./l7-edge.ts";

/** The HTTP side of a data plane. */
export interface L7Side {
  /** Takes over a connection whose TLS handshake is done. */
  readonly accept: L7Edge["accept"];
  /** Verifies instances and authentication services against these roots (PEM). */
  roots(pem: string): void;
  /** Routes have changed; `areGone` when some were taken away. */
  routesChanged(areGone: boolean): void;
  /** Takes no more requests; those under way go on. */
  drain(): void;
  /** The time to drain is over: ends what is a tunnel. */
  closeTunnels(): void;
  /** Ends what is left. */
  close(): void;
}

/** The HTTP side for the routes of `table`. */
export function createL7Side(
  options: Pick<DataPlaneOptions, "limits" | "metrics" | "log" | "accessLog" | "counters" | "worker">,
  { table, load }: { readonly table: RouteTable; readonly load: InstanceLoad },
): L7Side {
  const { limits, metrics } = options;
  let rootsPem: string | undefined;
  let isDraining = false;
  let forwardAuth = createForwardAuth();
  const deadlines = createDeadlines();
  const holdings = createHoldings();
  const backends = createBackends({
    deadlines,
    connectMs: limits.connectMs,
    idleMs: limits.backendKeepAliveMs,
    rootsPem: () => rootsPem,
  });

  function findRoute(listenerPort: number, hostname: string) {
    const route = table.find(listenerPort, hostname);
    return route?.mode === "l7" ? route : undefined;
  }

  const ask: ForwardAuth["ask"] = (...question) => forwardAuth.ask(...question);
  const gatekeeper = createGate(options, { findRoute, holdings, forwardAuth: { ask } });
  const edge = createL7Edge({
    ...options,
    findRoute,
    load,
    backends,
    deadlines,
    gatekeeper,
    counter: (key) => metrics.route(key),
    limited: metrics.limited,
    newId: randomUUID,
    isDraining: () => isDraining,
  });
  metrics.collectFrom((sink) => sink.add("mc_proxy_requests_held", "", holdings.count()));

  return {
    accept: edge.accept,
    roots(pem) {
      if (pem === rootsPem) return;
      rootsPem = pem;
      forwardAuth[Symbol.dispose]();
      forwardAuth = createForwardAuth({ authorities: pem });
    },
    routesChanged(areGone) {
      if (areGone) edge.routesGone();
      if (holdings.count() > 0) gatekeeper.routesChanged();
    },
    drain() {
      isDraining = true;
      edge.drain();
    },
    closeTunnels: edge.closeTunnels,
    close() {
      forwardAuth[Symbol.dispose]();
      backends.close();
    },
  };
}

/** Judges by policies and limits, and counts what was refused. */
function createGate(
  { metrics, log, counters, worker }: Pick<DataPlaneOptions, "metrics" | "log" | "counters" | "worker">,
  parts: Pick<RouteGatekeeperDependencies, "findRoute" | "holdings" | "forwardAuth">,
): RouteGatekeeper {
  return createRouteGatekeeper({
    ...parts,
    limiter: createRequestLimiter({ counters: attachCounterTable(counters.requests, worker) }),
    refused(route, reason, error) {
      if (reason === "rate") metrics.limited("requests");
      else metrics.blocked(`policy ${reason}`, routeKey(route));
      if (error !== undefined) log.warn("requests cannot be judged", { route: routeKey(route), error });
    },
  });
}
