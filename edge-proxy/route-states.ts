import type { Route } from "#shared/contract/route.ts";
import type { CertificateState } from "./certificates/certificate-keeper.ts";
import type { PortState } from "./extra-ports.ts";
import { routeKey, type RouteTable } from "./routes.ts";

/** What decides whether a route serves. */
export interface RouteStateSources {
  readonly table: Pick<RouteTable, "extraPorts" | "routes" | "routesOf" | "conflicts">;
  /** What is known of an extra port. */
  readonly port: (port: number) => PortState;
  /** What is known of a certificate. */
  readonly certificate: (hostname: string) => CertificateState;
}

/** Knows of each route whether it serves, is about to, or has a problem. Costs what changes, not what there is. */
export interface RouteStates {
  /** Looks at these routes again. They are those of feed revision `revision`. */
  update(routes: Iterable<Route>, revision: number): void;
  /** Forgets routes. */
  remove(keys: Iterable<string>): void;
  /** Looks at the routes of a host name again: its certificate came or went. */
  updateName(hostname: string): void;
  /** Looks at every route again: a port was opened or failed. */
  updateAll(): void;
  /** Why routes do not serve, by key. Stored routes that a static one keeps out are among them. */
  problems(): Record<string, string>;
  /** How many routes are about to serve. */
  pending(): number;
  /** The newest revision of which each route serves or has a problem, if `revision` is the newest one applied. */
  settled(revision: number): number;
}

/** States of no route. */
export function createRouteStates(sources: RouteStateSources): RouteStates {
  const problems = new Map<string, string>();
  /** Revisions by key, oldest first. */
  const pending = new Map<string, number>();

  function update(route: Route, revision: number): void {
    const key = routeKey(route);
    const state = stateOf(route, sources);
    if (typeof state === "object") problems.set(key, state.problem.slice(0, 2000));
    else problems.delete(key);
    if (state !== "pending") pending.delete(key);
    else if (!pending.has(key)) pending.set(key, revision);
  }

  function updateKnown(routes: Iterable<Route>): void {
    for (const route of routes) update(route, pending.get(routeKey(route)) ?? 0);
  }

  return {
    update(routes, revision) {
      for (const route of routes) update(route, revision);
    },
    remove(keys) {
      for (const key of keys) {
        problems.delete(key);
        pending.delete(key);
      }
    },
    updateName: (hostname) => updateKnown(sources.table.routesOf(hostname)),
    updateAll: () => updateKnown(sources.table.routes()),
    problems: () => Object.fromEntries([...problems, ...sources.table.conflicts]),
    pending: () => pending.size,
    settled(revision) {
      const [oldest] = pending.values();
      return oldest === undefined ? revision : Math.max(0, oldest - 1);
    },
  };
}

function stateOf(route: Route, sources: RouteStateSources): "serves" | "pending" | { readonly problem: string } {
  const port = sources.table.extraPorts.has(route.port) ? sources.port(route.port) : "open";
  if (typeof port === "object") return port;
  const certificate = route.mode === "l7" ? sources.certificate(route.hostname) : undefined;
  if (typeof certificate === "object" && "problem" in certificate) return certificate;
  return port === "opening" || certificate === "pending" ? "pending" : "serves";
}
