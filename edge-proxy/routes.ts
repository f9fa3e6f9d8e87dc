import type { Backend, Route } from "#shared/contract/route.ts";
import { createCountedSet } from "./counted-set.ts";
import { createHostIndex, type MainPorts } from "./host-index.ts";

/** Key of a route in feed, reports and logs: `<hostname>:<port>`. */
export function routeKey(route: Pick<Route, "hostname" | "port">): string {
  let key = routeKeys.get(route);
  if (key === undefined) routeKeys.set(route, key = `${route.hostname}:${route.port}`);
  return key;
}

/** Made once, as those of backends. */
const routeKeys = new WeakMap<Pick<Route, "hostname" | "port">, string>();

/** A step from one state of the routes to the next. */
export interface RouteChanges {
  /** Whether every route that is not named here goes; static routes stay. */
  readonly isWhole: boolean;
  /** Routes that come or change. */
  readonly set: readonly Route[];
  /** Keys of routes that go. */
  readonly removed: readonly string[];
}

/** What a step did. */
export interface AppliedChanges {
  /** Routes that serve from now on, or serve in another way. */
  readonly changed: readonly Route[];
  /** Keys of routes that do not serve any more. */
  readonly gone: readonly string[];
}

/**
 * All routes. A change costs what changed, not what there is, and a lookup costs the same however many there are. Routes themselves
 * never change: live connections keep the one that they were accepted under.
 */
export interface RouteTable {
  /** How many routes serve. */
  readonly size: number;
  /** External ports that need a listener of their own. */
  readonly extraPorts: ReadonlySet<number>;
  /** Host names that need a certificate. */
  readonly tlsNames: ReadonlySet<string>;
  /** Those of them whose certificate a public CA gives. */
  readonly acmeNames: ReadonlySet<string>;
  /** Instances that some route names. */
  readonly instances: ReadonlySet<string>;
  /** Addresses that some route names, by {@link backendKey}. */
  readonly backendKeys: ReadonlySet<string>;
  /** Grows whenever one of the sets changes. */
  readonly versions: Readonly<Record<"extraPorts" | "tlsNames", number>>;
  /** Stored routes that do not serve because a static one has their place: why, by key. */
  readonly conflicts: ReadonlyMap<string, string>;
  /** Every route that serves. */
  routes(): Iterable<Route>;
  /** The routes of exactly this host name, wildcards being written as `*.example.org`. */
  routesOf(hostname: string): readonly Route[];
  /** The route for `hostname` at the listener on `listenerPort`: an exact one, else a wildcard for its first label. */
  find(listenerPort: number, hostname: string): Route | undefined;
  /** Applies a step. */
  apply(changes: RouteChanges): AppliedChanges;
}

/** Key of a backend's address. */
export function backendKey(backend: Backend): string {
  let key = backendKeys.get(backend);
  if (key === undefined) backendKeys.set(backend, key = `${backend.address}|${backend.port}`);
  return key;
}

/** Made once: a request needs it several times, and a new string is hashed at each look-up. */
const backendKeys = new WeakMap<Backend, string>();

/** A table of the static routes. A route that comes later never takes the place of one of them. */
export function createRouteTable(main: MainPorts, staticRoutes: readonly Route[] = []): RouteTable {
  const hosts = createHostIndex(main);
  const names = createNames((port) => !hosts.isMain(port));
  const byKey = new Map<string, Route>();
  const conflicts = new Map<string, string>();

  function insert(route: Route): void {
    const key = routeKey(route);
    const old = byKey.get(key);
    byKey.set(key, route);
    hosts.insert(route);
    names.count(route, "add");
    if (old !== undefined) names.count(old, "remove");
  }

  function remove(key: string): boolean {
    const route = byKey.get(key);
    conflicts.delete(key);
    if (route === undefined || route.origin === "static") return false;
    byKey.delete(key);
    hosts.remove(route);
    names.count(route, "remove");
    return true;
  }

  function takeOver(route: Route): Route | undefined {
    const rival = hosts.findStatic(route);
    if (rival !== undefined) {
      conflicts.set(routeKey(route), describeConflict(route, rival));
      return undefined;
    }
    const stored: Route = route.origin === "static" ? { ...route, origin: "stored" } : route;
    insert(stored);
    return stored;
  }

  for (const route of staticRoutes) insert({ ...route, origin: "static" });
  return {
    ...names.sets,
    get size() {
      return byKey.size;
    },
    get versions() {
      return names.versions();
    },
    conflicts,
    routes: () => byKey.values(),
    routesOf: hosts.of,
    find: hosts.find,
    apply({ isWhole, set, removed }) {
      const gone = removed.filter(remove);
      const changed = set.map(takeOver).filter((route) => route !== undefined);
      if (isWhole) {
        const named = new Set(set.map(routeKey));
        const unnamed = [...byKey.keys(), ...conflicts.keys()].filter((key) => !named.has(key));
        gone.push(...unnamed.filter(remove));
      }
      return { changed, gone };
    },
  };
}

/** The names that routes use, each counted as often as it is used. */
function createNames(isExtra: (port: number) => boolean) {
  const extraPorts = createCountedSet<number>();
  const tlsNames = createCountedSet<string>();
  const acmeNames = createCountedSet<string>();
  const instances = createCountedSet<string>();
  const backendKeys = createCountedSet<string>();
  return {
    sets: {
      extraPorts: extraPorts.values,
      tlsNames: tlsNames.values,
      acmeNames: acmeNames.values,
      instances: instances.values,
      backendKeys: backendKeys.values,
    },
    versions: () => ({
      extraPorts: extraPorts.version,
      tlsNames: tlsNames.version + acmeNames.version,
    }),
    count(route: Route, step: "add" | "remove"): void {
      if (isExtra(route.port)) extraPorts[step](route.port);
      if (route.mode === "l7") tlsNames[step](route.hostname);
      if (route.mode === "l7" && route.certificate === "acme") acmeNames[step](route.hostname);
      for (const backend of route.backends) {
        instances[step](backend.instance);
        backendKeys[step](backendKey(backend));
      }
    },
  };
}

function describeConflict(route: Route, rival: Route): string {
  const [wanted, kept] = [route, rival].map((each) => `"${routeKey(each)}" of ${each.service}/${each.component}`);
  return `Cannot serve the stored route ${wanted}: the static route ${kept} in the proxy's configuration has its place, ` +
    "expected one of them to be removed";
}
