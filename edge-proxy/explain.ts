import type { Route, RoutePolicies } from "#shared/contract/route.ts";
import type { CertificateState } from "./certificates/certificate-keeper.ts";
import type { PlaneFacts } from "./data-plane.ts";
import { describeCertificate } from "./describe-certificate.ts";
import { createBlockTest } from "./firewall/block-set.ts";
import type { FirewallOpinion } from "./firewall/compile-firewall.ts";
import { routeKey, type RouteTable } from "./routes.ts";

/** Who would ask for what. */
export interface ExplainQuestion {
  readonly host: string;
  readonly path: string;
  /** Address of the client. */
  readonly ip?: string | undefined;
  /** Port of the listener; the main one unless given. */
  readonly port?: number | undefined;
}

/** What an explanation is made from. */
export interface ExplainSources {
  readonly table: Pick<RouteTable, "find" | "conflicts">;
  readonly mainPort: number;
  /** What the firewall says of an address. */
  readonly judge: (address: string) => FirewallOpinion;
  readonly certificate: (hostname: string) => CertificateState;
  /** Why a route does not serve. */
  readonly problemOf: (key: string) => string | undefined;
  readonly facts: () => Promise<PlaneFacts>;
}

/** What would become of a request and why: firewall, route, rules, certificate and instances as they are now. */
export async function explain(question: ExplainQuestion, sources: ExplainSources): Promise<Record<string, unknown>> {
  const hostname = question.host.toLowerCase();
  const listenerPort = question.port ?? sources.mainPort;
  const route = sources.table.find(listenerPort, hostname);
  const firewall = question.ip === undefined ? undefined : sources.judge(question.ip);
  const { instancesAside } = await sources.facts();
  const allowed = route === undefined ? undefined : isAllowed(route, question.ip);
  return {
    question: { ...question, host: hostname, port: listenerPort },
    outcome: outcomeOf({ firewall, route, allowed, problem: route && sources.problemOf(routeKey(route)) }),
    firewall: firewall ?? "no address was given",
    route: route === undefined ? undefined : {
      key: routeKey(route),
      matched: route.hostname === hostname ? "exactly" : `by the wildcard ${route.hostname}`,
      ...route,
    },
    problem: route && sources.problemOf(routeKey(route)),
    conflicts: Object.fromEntries([...sources.table.conflicts].filter(([key]) => key.startsWith(`${hostname}:`))),
    certificate: route?.mode === "l7"
      ? describeCertificate(route.hostname, sources.certificate(route.hostname))
      : undefined,
    setAsideForMs: instancesAside,
  };
}

function isAllowed(route: Route, ip: string | undefined): boolean | undefined {
  const blocks = route.policies?.allowAddresses;
  return blocks === undefined || ip === undefined ? undefined : createBlockTest(blocks)(ip);
}

interface Findings {
  readonly firewall: FirewallOpinion | undefined;
  readonly route: Route | undefined;
  readonly allowed: boolean | undefined;
  readonly problem: string | undefined;
}

/** One sentence: the first thing that stops the request, in the order in which the proxy looks. */
function outcomeOf({ firewall, route, allowed, problem }: Findings): string {
  if (firewall?.kind === "blocked") {
    return `the connection is reset: rule ${firewall.reason.kind} ${firewall.reason.rule} of the firewall`;
  }
  if (route === undefined) return "the connection is refused: no route has this name at this listener";
  if (problem !== undefined) return `the route does not serve: ${problem}`;
  if (allowed === false) {
    return `${route.mode === "l4" ? "the connection is reset" : "403"}: the address is not in the route's allow-list`;
  }
  return route.mode === "l4"
    ? "TLS is passed through to the instance with the fewest connections"
    : requestOutcomeOf(route.policies ?? {});
}

function requestOutcomeOf({ maintenance, pause, forwardAuth }: RoutePolicies): string {
  if (maintenance !== undefined) return "503: the route is under maintenance";
  if (pause !== undefined) return `the request is held for up to ${pause.seconds} s`;
  if (forwardAuth !== undefined) return `${forwardAuth.url} is asked first`;
  return "the request goes to the instance with the fewest connections and requests";
}
