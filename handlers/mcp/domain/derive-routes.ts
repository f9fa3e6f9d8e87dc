import type { Backend, Route } from "#shared/contract/route.ts";
import type { DesiredComponent, DesiredRoute, InstanceReport, ZoneRecord } from "#shared/contract/state.ts";
import { pauseKey } from "./list-pauses.ts";

/** A service whose routes exist, with the instances that the node reports. */
export interface RoutedService {
  readonly name: string;
  /** Components that the routes point to. */
  readonly components: readonly DesiredComponent[];
  readonly instances: readonly InstanceReport[];
  /** How long requests are held now, in seconds, by `pauseKey()`. */
  readonly pauses?: ReadonlyMap<string, number>;
}

/**
 * The routes of a service, by feed key. Backends are the healthy instances of exactly the routed spec. When none is healthy the ones
 * that run stay: a crashed container comes back on the same port, and until then a 502 says more than a refused handshake. While
 * requests are held, even those that have stopped keep the route alive.
 */
export function deriveRoutes(service: RoutedService): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const component of service.components) {
    for (const route of component.routes) {
      const seconds = service.pauses?.get(pauseKey(component.name, route.name));
      const instances = pickInstances(component, service.instances, seconds !== undefined);
      const backends = instances.flatMap((instance) => toBackend(instance, route.name ?? ""));
      if (backends.length === 0) continue;
      const place = { service: service.name, component: component.name, backends };
      routes.set(`${route.hostname}:${route.port}`, toRoute(route, place, seconds));
    }
  }
  return routes;
}

function toRoute(
  { hostname, port, mode, rules = {} }: DesiredRoute,
  place: Pick<Route, "service" | "component" | "backends">,
  pauseSeconds: number | undefined,
): Route {
  const policies = pauseSeconds === undefined
    ? {}
    : { policies: { ...rules.policies, pause: { seconds: pauseSeconds } } };
  return { hostname, port, mode, ...place, ...rules, ...policies };
}

function pickInstances(
  component: DesiredComponent,
  instances: readonly InstanceReport[],
  isPaused: boolean,
): InstanceReport[] {
  const same = instances.filter(({ component: name, specHash }) =>
    name === component.name && specHash === component.specHash
  );
  const healthy = same.filter(({ state }) => state === "healthy");
  if (healthy.length > 0) return healthy;
  return isPaused ? same : same.filter(({ state }) => state === "unhealthy" || state === "starting");
}

function toBackend(instance: InstanceReport, routeName: string): Backend[] {
  const port = instance.ports[routeName];
  return port === undefined ? [] : [{ instance: instance.instance, address: "127.0.0.1", port }];
}

/** Lifetime of derived records, in seconds: short, as a deploy may move a name to another node. */
const derivedTtlSeconds = 5;

/** The address records of routed host names, one a name, pointing to the node whose proxy serves it. */
export function deriveRecords(hostnames: Iterable<string>, nodeAddress: string): ZoneRecord[] {
  const type = nodeAddress.includes(":") ? "AAAA" : "A";
  return [...new Set(hostnames)].sort().map((name) => ({
    name,
    type,
    value: nodeAddress,
    ttlSeconds: derivedTtlSeconds,
  }));
}

/** The zone, out of those that MCNS holds for the platform, that a host name belongs to: the longest suffix. */
export function zoneOf(hostname: string, zones: readonly string[]): string | undefined {
  return zones
    .filter((zone) => hostname === zone || hostname.endsWith(`.${zone}`))
    .sort((a, b) => b.length - a.length)[0];
}
