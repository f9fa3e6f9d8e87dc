import type { Backend, Route } from "#shared/contract/route.ts";

/** Key of a route in feed, reports and logs: `<hostname>:<port>`. */
export function routeKey(route: Pick<Route, "hostname" | "port">): string {
  return `${route.hostname}:${route.port}`;
}

/** Which external ports the main listener stands for. */
export interface MainPorts {
  /** Port of the main listener. */
  readonly port: number;
  /** Further external ports that end at the main listener, as a firewall or a port forward arranges it. */
  readonly aliasPorts: readonly number[];
}

/** All routes at one moment. Never changes: an update makes a new table, and live connections keep what they have. */
export interface RouteTable {
  /** Every route, in the order given. */
  readonly routes: readonly Route[];
  /** External ports that need a listener of their own. */
  readonly extraPorts: ReadonlySet<number>;
  /** Host names that need a certificate. */
  readonly tlsNames: ReadonlySet<string>;
  /** Instances that some route names. */
  readonly instances: ReadonlySet<string>;
  /** Addresses `<address>:<port>` that some route names. */
  readonly backendKeys: ReadonlySet<string>;
  /** The route for `hostname` at the listener on `listenerPort`. */
  find(listenerPort: number, hostname: string): Route | undefined;
}

/** Key of a backend's address. */
export function backendKey(backend: Backend): string {
  return `${backend.address}|${backend.port}`;
}

/** A table of `routes`. When several ports of one host name end at the main listener, its own port wins, then alias order. */
export function createRouteTable(routes: readonly Route[], main: MainPorts): RouteTable {
  const mainPorts = [main.port, ...main.aliasPorts.filter((port) => port !== main.port)];
  const byKey = new Map(routes.map((route) => [routeKey(route), route]));
  const backends = routes.flatMap((route) => route.backends);
  return {
    routes,
    extraPorts: new Set(routes.map((route) => route.port).filter((port) => !mainPorts.includes(port))),
    tlsNames: new Set(routes.filter((route) => route.mode === "l7").map((route) => route.hostname)),
    instances: new Set(backends.map((backend) => backend.instance)),
    backendKeys: new Set(backends.map(backendKey)),
    find(listenerPort, hostname) {
      for (const port of listenerPort === main.port ? mainPorts : [listenerPort]) {
        const route = byKey.get(routeKey({ hostname, port }));
        if (route !== undefined) return route;
      }
      return undefined;
    },
  };
}
