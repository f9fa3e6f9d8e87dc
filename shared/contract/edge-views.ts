/** What people see of the proxies, their routes and their firewall. */
import { z } from "zod";
import { CountryCode, FirewallRules } from "./firewall.ts";
import { Label, Port, Timestamp } from "./names.ts";
import { AddressBlock, Route, RouteHost, RouteMode } from "./route.ts";
import { CertificateReport, FirewallHits, ProxyReport } from "./state.ts";

/** Who made a route: a deployment, an operator, the proxy's configuration, or the platform for itself. */
export const RouteOrigin = z.enum(["deployed", "stored", "static", "platform"]);
/** Who made a route. */
export type RouteOrigin = z.infer<typeof RouteOrigin>;

/** Whether a route serves, as its proxy reports it. `pending`: not applied yet; `unknown`: the proxy is silent. */
export const RouteState = z.enum(["serves", "problem", "pending", "unknown"]);
/** Whether a route serves. */
export type RouteState = z.infer<typeof RouteState>;

/** A route of any origin in one line. */
export const RouteListing = z.object({
  node: Label,
  hostname: RouteHost,
  port: Port,
  mode: RouteMode,
  origin: RouteOrigin,
  service: Label,
  component: Label,
  /** As `address:port`. */
  backends: z.array(z.string()),
  state: RouteState,
  problem: z.string().nullable(),
});
/** A route of any origin in one line. */
export type RouteListing = z.infer<typeof RouteListing>;

/** What a node's proxy says of itself, and what it should say. */
export const ProxyView = z.object({
  node: Label,
  /** Whether the node was heard of within its lease. */
  status: z.enum(["ready", "silent"]),
  reportedAt: Timestamp.nullable(),
  /** Newest revisions that were published for it: it has applied all when its own are equal. */
  routesRevision: z.int(),
  firewallRevision: z.int(),
  /** `null` until it has reported. */
  report: ProxyReport.nullable(),
});
/** What a node's proxy says of itself. */
export type ProxyView = z.infer<typeof ProxyView>;

/** What was set for all nodes, or for one of them. */
export const FirewallPart = FirewallRules.extend({
  /** `null`: not set here. */
  shadow: z.boolean().nullable().default(null),
});
/** What was set for all nodes, or for one of them. */
export type FirewallPart = z.infer<typeof FirewallPart>;

/** The firewall of one node, or what all nodes share. */
export const FirewallView = z.object({
  /** `null` for what all nodes share. */
  node: Label.nullable(),
  /** What was set here. */
  own: FirewallPart,
  /** What holds: what all share and what was set here. */
  effective: FirewallRules,
  /** Nodes that have rules of their own. */
  nodesWithRules: z.array(Label),
  /** As the node's proxy reports them. */
  hits: FirewallHits.nullable(),
});
/** The firewall of one node, or what all nodes share. */
export type FirewallView = z.infer<typeof FirewallView>;

const Blocks = z.array(AddressBlock).max(1_000);
const Countries = z.array(CountryCode).max(250);

/** A change of the firewall; what is missing stays, `null` takes a setting away. */
export const FirewallChange = z.strictObject({
  block: Blocks.default([]),
  unblock: Blocks.default([]),
  allow: Blocks.default([]),
  disallow: Blocks.default([]),
  blockCountries: Countries.default([]),
  unblockCountries: Countries.default([]),
  shadow: z.boolean().nullable().optional(),
  connectionLimit: FirewallRules.shape.connectionLimit.unwrap().nullable().optional(),
  maxConnectionsPerAddress: FirewallRules.shape.maxConnectionsPerAddress.unwrap().nullable().optional(),
});
/** A change of the firewall. */
export type FirewallChange = z.infer<typeof FirewallChange>;

/** What would become of a request. */
export const Explanation = z.object({
  node: Label,
  /** The route that serves the name, or `null`. */
  route: Route.nullable(),
  match: z.enum(["exact", "wildcard", "none"]),
  origin: RouteOrigin.nullable(),
  state: RouteState,
  certificate: CertificateReport.nullable(),
  /** What happens, in order, one sentence each. */
  steps: z.array(z.string()),
  /** How it ends. */
  verdict: z.enum(["served", "refused", "held", "failing", "unknown"]),
});
/** What would become of a request. */
export type Explanation = z.infer<typeof Explanation>;
