import type { ContractClient } from "#shared/contract/client.ts";
import type { mcnsContract } from "#shared/contract/mcns.ts";
import type { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { DesiredRoute } from "#shared/contract/state.ts";
import type { ForwardAuthUrl } from "./domain/to-route-rules.ts";
import type { FeedHub } from "#shared/feed/feed-hub.ts";
import type { Notifier } from "#shared/lifecycle/queue.ts";
import type { Log } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";

/** One route whose real path is to be proven. */
export interface ProbeTarget extends Pick<DesiredRoute, "hostname" | "port" | "mode"> {
  /** Address of the node whose proxy serves the route. */
  readonly nodeAddress: string;
  /** Instances that may answer. */
  readonly instances: readonly string[];
  /** Whether the certificate comes from elsewhere than the platform's CA: then only the proxy knows whom to trust for it. */
  readonly hasForeignCertificate?: boolean;
}

/** Proves name → TLS → proxy → instance; rejects with the reason when it does not hold. */
export type ProbeRoute = (target: ProbeTarget, signal: AbortSignal) => Promise<void>;

/** Where clients reach the proxies. */
export interface ProxyPorts {
  /** Port that the main listener is bound to. */
  readonly port: number;
  /** External ports that the main listener serves, whatever it is bound to. */
  readonly aliasPorts: readonly number[];
}

/** What MCP needs. */
export interface McpDependencies {
  readonly database: Database;
  readonly log: Log;
  readonly now: () => Date;
  readonly newId: () => string;
  /** The platform's domain; services live at `<service>.svc.<domain>`. */
  readonly domain: string;
  readonly proxy: ProxyPorts;
  /** The platform's own systems as L7 routes of one node's proxy. */
  readonly platform?: {
    readonly node: string;
    readonly systems: readonly string[];
    readonly address: string;
    readonly port: number;
  };
  readonly mcns: Pick<ContractClient<typeof mcnsContract>, "putDerived">;
  readonly metacrypt: Pick<ContractClient<typeof metacryptContract>, "putGrant">;
  /** Digest of an image in the platform's own registry; `undefined` when the registry does not have it. */
  readonly resolveImage: (repository: string, tag: string) => Promise<string | undefined>;
  readonly probeRoute: ProbeRoute;
}

/** What all parts of MCP share. */
export interface McpContext extends McpDependencies {
  readonly hub: FeedHub;
  /** Wakes those who follow deployments. */
  readonly progress: Notifier;
  readonly serviceDomain: string;
}

/** A node that was not heard of for longer is silent. */
export const leaseSeconds = 15;

/** Whether a node was heard of within its lease. */
export function isReady(node: { readonly last_seen_at: string }, { now }: Pick<McpContext, "now">): boolean {
  return now().getTime() - Date.parse(node.last_seen_at) <= leaseSeconds * 1000;
}

/** Port by which clients reach a route. */
export function publicPort(proxy: ProxyPorts, routePort: number): number {
  return proxy.aliasPorts.includes(routePort) ? proxy.port : routePort;
}

/** Topic of what a node should run. */
export function nodeTopic(node: string): string {
  return `node/${node}`;
}

/** Topic of the routes of a node's proxy. */
export function routesTopic(node: string): string {
  return `routes/${node}`;
}

/** Topic of the firewall of a node's proxy. */
export function firewallTopic(node: string): string {
  return `firewall/${node}`;
}

/** Port of the platform's own routes: the one in the guide's image references. */
export const platformPort = 8443;

/** The URL by which a node's proxy asks MCIAS: directly beside the platform, by its public name elsewhere. */
export function forwardAuthUrlOf(context: McpContext, node: string): ForwardAuthUrl {
  const { platform, serviceDomain } = context;
  const origin = platform?.node === node
    ? `http://${platform.address.includes(":") ? `[${platform.address}]` : platform.address}:${platform.port}`
    : `https://mcias.${serviceDomain}:${platformPort}`;
  return (service) => `${origin}/v1/auth/forward?service=${service}`;
}
