import type { Route } from "#shared/contract/route.ts";
import type { WindowCounters } from "./window-counters.ts";

/** Bounds requests by route and client address (`RouteLimits.requests`). */
export interface RequestLimiter {
  /** 0 when the request may pass, else the seconds to name in `Retry-After` of a 429. */
  admit(route: Route, address: string): number;
}

/** What {@link createRequestLimiter} needs. */
export interface RequestLimiterDependencies {
  /** Shared by all workers when their limits are to be one; not those of the connections, which requests would crowd out. */
  readonly counters: WindowCounters;
  /** Milliseconds since 1970: the same for all workers. */
  readonly clock?: () => number;
}

/** A limiter over `counters`. A route is known by its name and port, so a change of it keeps its counts. */
export function createRequestLimiter(dependencies: RequestLimiterDependencies): RequestLimiter {
  const { counters, clock = Date.now } = dependencies;
  const scopes = new WeakMap<Route, number>();

  function scopeOf(route: Route): number {
    let scope = scopes.get(route);
    if (scope === undefined) scopes.set(route, scope = hashText(`${route.hostname}:${route.port}`));
    return scope;
  }

  return {
    admit(route, address) {
      const limit = route.limits?.requests;
      if (limit === undefined) return 0;
      const window = { count: limit.count, windowMs: limit.windowSeconds * 1000 };
      return Math.ceil(counters.take({ address, scope: scopeOf(route) }, window, clock()) / 1000);
    },
  };
}

/** FNV-1a, never 0. Routes are named by operators: nobody aims at a collision. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash === 0 ? 1 : hash | 0;
}
