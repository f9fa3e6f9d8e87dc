import type { ProxyView, RouteListing, RouteOrigin, RouteState } from "#shared/contract/edge-views.ts";
import { Route } from "#shared/contract/route.ts";
import { readFrame, readRevision } from "#shared/feed/feed-store.ts";
import { decodeCbor } from "#shared/wire/cbor.ts";
import { firewallTopic, isReady, type McpContext, routesTopic } from "./context.ts";
import { assertNodeIsKnown, listNodes } from "./store/nodes.ts";
import type { NodeRow } from "./store/rows.ts";

/** A route of a node's proxy, with what is known of it. */
export interface NodeRoute {
  readonly route: Route;
  readonly origin: RouteOrigin;
  readonly state: RouteState;
  readonly problem: string | undefined;
}

/** The nodes that are asked about: one, or all. */
export async function pickNodes(context: McpContext, node: string | undefined, action: string): Promise<NodeRow[]> {
  if (node !== undefined) await assertNodeIsKnown(context.database, node, action);
  return (await listNodes(context.database)).filter(({ name }) => node === undefined || name === node);
}

/** All routes of a node's proxy: those that were published for it, and those of its configuration. */
export async function listNodeRoutes(context: McpContext, node: NodeRow): Promise<NodeRoute[]> {
  const published = await readRoutes(context, node.name, 0);
  const report = node.proxy_report;
  // What was published after the revision that the proxy has applied is not served yet.
  const behind = new Set((await readRoutes(context, node.name, node.proxy_revision)).map(keyOf));
  const fixed = report?.staticRoutes ?? [];
  const taken = new Set(published.map(keyOf));
  return [
    ...published.map((route) => toNodeRoute(route, originOf(context, route), { behind })),
    // The problem of a key that both have is the published one's: a static route serves.
    ...fixed.map((route) => toNodeRoute(route, "static", { isShadowing: taken.has(keyOf(route)) })),
  ];

  function toNodeRoute(
    route: Route,
    origin: RouteOrigin,
    { behind, isShadowing = false }: { readonly behind?: ReadonlySet<string>; readonly isShadowing?: boolean },
  ): NodeRoute {
    const problem = isShadowing ? undefined : node.proxy_problems[keyOf(route)];
    const known = problem !== undefined ? "problem" : behind?.has(keyOf(route)) === true ? "pending" : "serves";
    const state = report === null || !isReady(node, context) ? "unknown" : known;
    return { route, origin, state, problem };
  }
}

async function readRoutes(context: McpContext, node: string, since: number): Promise<Route[]> {
  const { entries } = await readFrame(context.database, routesTopic(node), since);
  return entries.flatMap(([, value]) => value === null ? [] : Route.parse(decodeCbor(value)));
}

function originOf({ platform, serviceDomain }: McpContext, { origin, hostname }: Route): RouteOrigin {
  if (origin !== undefined) return origin;
  const isOurs = platform?.systems.some((system) => hostname === `${system}.${serviceDomain}`);
  return isOurs === true ? "platform" : "deployed";
}

function keyOf({ hostname, port }: Route): string {
  return `${hostname}:${port}`;
}

/** All routes, by node, name and port. */
export async function listRouteListings(context: McpContext, node: string | undefined): Promise<RouteListing[]> {
  const listings: RouteListing[] = [];
  for (const row of await pickNodes(context, node, "list the routes")) {
    for (const { route, origin, state, problem } of await listNodeRoutes(context, row)) {
      const { hostname, port, mode, service, component } = route;
      const backends = route.backends.map(({ address, port: backendPort }) =>
        `${address.includes(":") ? `[${address}]` : address}:${backendPort}`
      );
      listings.push({
        node: row.name,
        hostname,
        port,
        mode,
        origin,
        service,
        component,
        backends,
        state,
        problem: problem ?? null,
      });
    }
  }
  return listings;
}

/** What the proxies say of themselves, and what they should say. */
export async function listProxyViews(context: McpContext, node: string | undefined): Promise<ProxyView[]> {
  const nodes = await pickNodes(context, node, "show the proxy");
  return await Promise.all(nodes.map(async (row) => ({
    node: row.name,
    status: isReady(row, context) ? "ready" as const : "silent" as const,
    reportedAt: row.proxy_reported_at,
    routesRevision: await readRevision(context.database, routesTopic(row.name)),
    firewallRevision: await readRevision(context.database, firewallTopic(row.name)),
    report: row.proxy_report,
  })));
}
