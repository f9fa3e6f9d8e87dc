import type {
  Explanation,
  FirewallChange,
  FirewallView,
  ProxyView,
  RouteListing,
} from "#shared/contract/edge-views.ts";
import { FirewallPart } from "#shared/contract/edge-views.ts";
import { openFirewall } from "#shared/contract/firewall.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import type { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** What a fake platform knows of proxies, and what it was asked to change. */
export interface FakeEdge {
  readonly routes: RouteListing[];
  readonly proxies: ProxyView[];
  readonly explanations: Explanation[];
  /** Stored routes by `<node> <hostname>:<port>`. */
  readonly stored: Map<string, StoredRouteDefinition>;
  readonly firewallChanges: { readonly node: string | undefined; readonly change: FirewallChange }[];
  /** Queries of `explain`. */
  readonly questions: object[];
  firewall: FirewallView;
  implement(api: Api): void;
}

/** Nothing is known of any proxy. */
export function createFakeEdge(): FakeEdge {
  const edge: FakeEdge = {
    routes: [],
    proxies: [],
    explanations: [],
    stored: new Map(),
    firewallChanges: [],
    questions: [],
    firewall: { node: null, own: FirewallPart.parse({}), effective: openFirewall, nodesWithRules: [], hits: null },
    implement({ implement }) {
      const ofNode = <T extends { readonly node: string }>(list: readonly T[], node: string | undefined) =>
        list.filter((one) => node === undefined || one.node === node);
      implement(mcpContract.listRoutes, async ({ query }) => ({ routes: ofNode(edge.routes, query.node) }));
      implement(mcpContract.listProxies, async ({ query }) => ({ proxies: ofNode(edge.proxies, query.node) }));
      implement(mcpContract.explain, async ({ query }) => {
        edge.questions.push(query);
        return { explanations: ofNode(edge.explanations, query.node) };
      });
      implement(mcpContract.getFirewall, async () => edge.firewall);
      implement(mcpContract.changeFirewall, async ({ query, body }) => {
        edge.firewallChanges.push({ node: query.node, change: body });
        return { changed: true };
      });
      implement(mcpContract.putRoute, async ({ params, body }) => putRoute(edge, params.node, body));
      implement(mcpContract.deleteRoute, async ({ params: { node, hostname, port } }) => {
        if (edge.stored.delete(`${node} ${hostname}:${port}`)) return undefined;
        throw new PlatformError("not-found", `Cannot remove the route "${hostname}:${port}": node "${node}" has none`);
      });
    },
  };
  return edge;
}

function putRoute(
  { stored }: FakeEdge,
  node: string,
  { route, replace }: { readonly route: StoredRouteDefinition; readonly replace: boolean },
): { key: string; changed: boolean } {
  const key = `${route.hostname}:${route.port}`;
  const before = stored.get(`${node} ${key}`);
  if (JSON.stringify(before) === JSON.stringify(route)) return { key, changed: false };
  if (before !== undefined && !replace) throw new PlatformError("conflict", `Cannot route "${key}": it is stored`);
  stored.set(`${node} ${key}`, route);
  return { key, changed: true };
}
