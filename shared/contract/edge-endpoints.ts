/** The endpoints of the control plane about proxies: routes, firewall, reports. */
import { z } from "zod";
import { Explanation, FirewallChange, FirewallView, ProxyView, RouteListing } from "./edge-views.ts";
import { Empty, endpoint } from "./endpoint.ts";
import { feedEndpoints, FeedQuery } from "./feed-endpoints.ts";
import { HostName, Label, Port } from "./names.ts";
import { RouteHost } from "./route.ts";
import { StoredRouteDefinition } from "./route-definition.ts";

const operators = ["user", "admin"] as const;
const StoredRouteParams = z.object({ node: Label, hostname: RouteHost, port: z.coerce.number().pipe(Port) });
const OfNode = z.object({ node: Label.optional() });

const firewallFeeds = feedEndpoints({
  name: "firewall",
  topic: "firewall",
  what: "the firewall of a node's proxy",
  access: ["node", "admin"],
  params: Empty,
  query: FeedQuery.extend({ node: Label.optional() }),
});

/** What the control plane offers about proxies. */
export const edgeEndpoints = {
  listRoutes: endpoint({
    id: "route.list",
    method: "GET",
    path: "/v1/routes",
    summary: "List the routes of all proxies, whoever made them",
    access: operators,
    query: OfNode,
    answer: z.object({ routes: z.array(RouteListing) }),
    errors: ["not-found"],
  }),
  putRoute: endpoint({
    id: "route.put",
    method: "PUT",
    path: "/v1/proxies/{node}/routes/{hostname}/{port}",
    summary: "Store a route to something that no deployment runs",
    access: ["admin"],
    params: StoredRouteParams,
    body: z.object({
      route: StoredRouteDefinition,
      /** Whether it may take the place of a stored one. */
      replace: z.boolean().default(false),
    }),
    answer: z.object({ key: z.string(), changed: z.boolean() }),
    errors: ["not-found", "conflict"],
  }),
  deleteRoute: endpoint({
    id: "route.delete",
    method: "DELETE",
    path: "/v1/proxies/{node}/routes/{hostname}/{port}",
    summary: "Remove a stored route",
    access: ["admin"],
    params: StoredRouteParams,
    errors: ["not-found", "conflict"],
  }),
  explain: endpoint({
    id: "route.explain",
    method: "GET",
    path: "/v1/routes/explain",
    summary: "Say what would become of a request",
    access: operators,
    query: OfNode.extend({
      host: HostName,
      port: z.coerce.number().pipe(Port).default(443),
      path: z.string().max(2048).regex(/^\//, 'expected a path that starts with "/"').default("/"),
      client: z.union([z.ipv4(), z.ipv6()]).optional(),
    }),
    answer: z.object({ explanations: z.array(Explanation) }),
    errors: ["not-found"],
  }),
  listProxies: endpoint({
    id: "proxy.list",
    method: "GET",
    path: "/v1/proxies",
    summary: "List what the proxies report",
    access: operators,
    query: OfNode,
    answer: z.object({ proxies: z.array(ProxyView) }),
    errors: ["not-found"],
  }),
  getFirewall: endpoint({
    id: "firewall.get",
    method: "GET",
    path: "/v1/firewall",
    summary: "Show the firewall of a node, or what all nodes share",
    access: operators,
    query: OfNode,
    answer: FirewallView,
    errors: ["not-found"],
  }),
  changeFirewall: endpoint({
    id: "firewall.change",
    method: "PATCH",
    path: "/v1/firewall",
    summary: "Change the firewall of a node, or what all nodes share",
    access: ["admin"],
    query: OfNode,
    body: FirewallChange,
    answer: z.object({ changed: z.boolean() }),
    errors: ["not-found", "conflict"],
  }),
  firewallFeed: firewallFeeds.poll,
  firewallStream: firewallFeeds.stream,
} as const;
