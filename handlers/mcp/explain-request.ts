import { BlockList, isIPv6 } from "node:net";
import type { Explanation } from "#shared/contract/edge-views.ts";
import type { FirewallRules } from "#shared/contract/firewall.ts";
import type { Route } from "#shared/contract/route.ts";
import type { CertificateReport } from "#shared/contract/state.ts";
import type { McpContext } from "./context.ts";
import { type ClientFacts, explainRoute } from "./domain/explain-route.ts";
import { mergeFirewall } from "./domain/firewall.ts";
import { listNodeRoutes, type NodeRoute, pickNodes } from "./proxy-views.ts";
import { getFirewallPart } from "./store/firewall.ts";
import type { NodeRow } from "./store/rows.ts";

/** A request that somebody asks about. */
export interface RequestQuestion {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly node?: string | undefined;
  /** Address of the client. */
  readonly client?: string | undefined;
}

/** What would become of a request: at the node that is asked about, else at those that serve the name, else at all. */
export async function explainRequest(context: McpContext, question: RequestQuestion): Promise<Explanation[]> {
  const nodes = await pickNodes(context, question.node, "explain the request");
  const all = await Promise.all(nodes.map((node) => explainAt(context, node, question)));
  const serving = all.filter(({ route }) => route !== null);
  return serving.length > 0 ? serving : all;
}

async function explainAt(context: McpContext, node: NodeRow, question: RequestQuestion): Promise<Explanation> {
  const routes = await listNodeRoutes(context, node);
  const { found, match } = findRoute(routes, question);
  const route = found?.route;
  const origin = found?.origin ?? null;
  const state = found?.state ?? "unknown";
  const certificate = route?.mode === "l7" ? findCertificate(node, route) : undefined;
  const firewall = mergeFirewall(
    await getFirewallPart(context.database),
    await getFirewallPart(context.database, node.name),
  );
  const client = toClientFacts(question.client, firewall, route);
  const facts = { ...question, route, match, origin, state, problem: found?.problem, certificate, firewall, client };
  return {
    node: node.name,
    route: route ?? null,
    match,
    origin,
    state,
    certificate: certificate ?? null,
    ...explainRoute(facts),
  };
}

/** An exact name wins over a wildcard, and a static route over a published one of the same key. */
function findRoute(
  routes: readonly NodeRoute[],
  { host, port }: RequestQuestion,
): { readonly found: NodeRoute | undefined; readonly match: Explanation["match"] } {
  const named = (name: string) => {
    const same = routes.filter(({ route }) => route.hostname === name && route.port === port);
    return same.find(({ origin }) => origin === "static") ?? same[0];
  };
  const exact = named(host);
  if (exact !== undefined) return { found: exact, match: "exact" };
  const wildcard = named(`*.${host.slice(host.indexOf(".") + 1)}`);
  return { found: wildcard, match: wildcard === undefined ? "none" : "wildcard" };
}

function findCertificate(node: NodeRow, route: Route): CertificateReport | undefined {
  return node.proxy_report?.certificates?.find(({ hostname }) => hostname === route.hostname);
}

function toClientFacts(
  address: string | undefined,
  { allowedAddresses, blockedAddresses }: FirewallRules,
  route: Route | undefined,
): ClientFacts | undefined {
  if (address === undefined) return undefined;
  const list = route?.policies?.allowAddresses;
  return {
    address,
    isAllowed: isIn(address, allowedAddresses),
    isBlocked: isIn(address, blockedAddresses),
    isInRouteList: list === undefined || isIn(address, list),
  };
}

function isIn(address: string, blocks: readonly string[]): boolean {
  const list = new BlockList();
  for (const block of blocks) {
    const [network = "", length] = block.split("/");
    const family = isIPv6(network) ? "ipv6" : "ipv4";
    if (length === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(length), family);
  }
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
