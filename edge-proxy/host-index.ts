import type { Route } from "#shared/contract/route.ts";

/** Which external ports the main listener stands for. */
export interface MainPorts {
  /** Port of the main listener. */
  readonly port: number;
  /** Further external ports that end at the main listener, as a firewall or a port forward arranges it. */
  readonly aliasPorts: readonly number[];
}

/** Finds routes by host name. */
export interface HostIndex {
  /** Whether routes of this external port end at the main listener. */
  isMain(port: number): boolean;
  /** Adds a route, in place of one with the same name and port. */
  insert(route: Route): void;
  /** Takes a route out. */
  remove(route: Route): void;
  /** The routes of exactly this host name, those of the main listener first. */
  of(hostname: string): readonly Route[];
  /** The route for `hostname` at a listener: an exact one, else a wildcard for its first label. */
  find(listenerPort: number, hostname: string): Route | undefined;
  /** The static route that has the name and the listener of `route`. */
  findStatic(route: Route): Route | undefined;
}

/** An index without routes. When several ports of one name end at the main listener, its own wins, then the alias order. */
export function createHostIndex(main: MainPorts): HostIndex {
  const mainPorts = [main.port, ...main.aliasPorts.filter((port) => port !== main.port)];
  const byHost = new Map<string, Route[]>();

  function rank(port: number): number {
    const index = mainPorts.indexOf(port);
    return index === -1 ? mainPorts.length : index;
  }

  function pick(candidates: readonly Route[] | undefined, listenerPort: number): Route | undefined {
    if (candidates === undefined) return undefined;
    if (listenerPort !== main.port) return candidates.find(({ port }) => port === listenerPort);
    const [first] = candidates;
    return first !== undefined && mainPorts.includes(first.port) ? first : undefined;
  }

  return {
    isMain: (port) => mainPorts.includes(port),
    insert(route) {
      const others = (byHost.get(route.hostname) ?? []).filter((other) => other.port !== route.port);
      byHost.set(route.hostname, [...others, route].sort((a, b) => rank(a.port) - rank(b.port)));
    },
    remove(route) {
      const others = (byHost.get(route.hostname) ?? []).filter((other) => other !== route);
      if (others.length === 0) byHost.delete(route.hostname);
      else byHost.set(route.hostname, others);
    },
    of: (hostname) => byHost.get(hostname) ?? [],
    find(listenerPort, hostname) {
      const exact = pick(byHost.get(hostname), listenerPort);
      if (exact !== undefined) return exact;
      const dot = hostname.indexOf(".");
      return dot < 1 ? undefined : pick(byHost.get(`*${hostname.slice(dot)}`), listenerPort);
    },
    findStatic(route) {
      const listener = mainPorts.includes(route.port) ? mainPorts : [route.port];
      return byHost.get(route.hostname)?.find(({ origin, port }) => origin === "static" && listener.includes(port));
    },
  };
}
