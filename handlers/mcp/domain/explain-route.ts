import type { Explanation } from "#shared/contract/edge-views.ts";
import type { FirewallRules } from "#shared/contract/firewall.ts";
import type { Route, RoutePolicies } from "#shared/contract/route.ts";
import type { CertificateReport } from "#shared/contract/state.ts";

/** A client address, looked at from where rules need it. */
export interface ClientFacts {
  readonly address: string;
  /** Whether it is on the firewall's list of those who pass it. */
  readonly isAllowed: boolean;
  readonly isBlocked: boolean;
  /** Whether it is on the route's own list; true for a route without one. */
  readonly isInRouteList: boolean;
}

/** All that decides what becomes of a request. */
export interface ExplainFacts {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly route: Route | undefined;
  readonly match: Explanation["match"];
  readonly origin: Explanation["origin"];
  readonly state: Explanation["state"];
  readonly problem: string | undefined;
  /** What the proxy has for the name; `undefined` when it reports none. */
  readonly certificate: CertificateReport | undefined;
  readonly firewall: FirewallRules;
  readonly client: ClientFacts | undefined;
}

interface Outcome {
  readonly step: string;
  /** Set when it ends here. */
  readonly verdict?: Explanation["verdict"];
}

/** What becomes of a request, step by step, to where it ends. */
export function explainRoute(facts: ExplainFacts): Pick<Explanation, "steps" | "verdict"> {
  const { route } = facts;
  const all = route === undefined ? [explainFirewall(facts), refuseName(facts)] : [
    explainFirewall(facts),
    explainMatch(route, facts),
    ...(route.mode === "l4" ? explainL4(route, facts) : explainL7(route, facts)),
    explainBackends(route, facts),
  ];
  const outcomes = all.filter((outcome) => outcome !== undefined);
  const end = outcomes.findIndex(({ verdict }) => verdict !== undefined);
  return {
    steps: outcomes.slice(0, end + 1).map(({ step }) => step),
    verdict: outcomes[end]?.verdict ?? "unknown",
  };
}

function explainFirewall({ firewall, client }: ExplainFacts): Outcome {
  const { blockedAddresses, blockedCountries, connectionLimit, shadow } = firewall;
  if (client?.isAllowed === true) {
    return { step: `The firewall lets ${client.address} pass: it is on the list of those it never refuses` };
  }
  if (client?.isBlocked === true) {
    return shadow
      ? { step: `The firewall would refuse ${client.address}, but only counts (shadow)` }
      : { step: `The firewall refuses ${client.address} with a reset: it is blocked`, verdict: "refused" };
  }
  const rules = [
    ...(blockedAddresses.length > 0 ? [`${blockedAddresses.length} blocked addresses`] : []),
    ...(blockedCountries.length > 0 ? [`blocked countries ${blockedCountries.join(", ")}`] : []),
    ...(connectionLimit === undefined
      ? []
      : [`${connectionLimit.count} connections in ${connectionLimit.windowSeconds} s a client`]),
  ];
  if (rules.length === 0) return { step: "The firewall refuses nobody" };
  return { step: `The firewall ${shadow ? "only counts (shadow)" : "looks at"}: ${rules.join("; ")}` };
}

function refuseName({ host, port }: ExplainFacts): Outcome {
  return { step: `No route serves ${host}:${port}: the handshake is refused`, verdict: "refused" };
}

function explainMatch(route: Route, { match, origin, state, problem }: ExplainFacts): Outcome {
  const name = `${route.hostname}:${route.port}`;
  const who = origin === "stored" || origin === "static"
    ? `${origin} route`
    : `${origin ?? "deployed"} route of ${route.service}/${route.component}`;
  const step = `The ${who} ${name} serves it (${match} match, ${route.mode})`;
  if (state === "problem") {
    return { step: `${step}, but does not work: ${problem ?? "no reason is known"}`, verdict: "failing" };
  }
  if (state === "pending") return { step: `${step}; the proxy has not applied it yet`, verdict: "unknown" };
  if (state === "unknown") return { step: `${step}; the proxy is silent` };
  return { step };
}

function explainL4(route: Route, { client }: ExplainFacts): (Outcome | undefined)[] {
  return [
    explainAllowList(route.policies, client, "with a reset"),
    {
      step: `TLS goes through: the certificate is the component's own${
        route.sendProxyProtocol === undefined ? "" : `, behind a PROXY protocol ${route.sendProxyProtocol} header`
      }`,
    },
  ];
}

function explainL7(route: Route, facts: ExplainFacts): (Outcome | undefined)[] {
  const { policies } = route;
  return [
    explainCertificate(route, facts),
    policies?.maintenance === undefined
      ? undefined
      : { step: "Maintenance: everything is answered with 503", verdict: "refused" },
    explainAllowList(policies, facts.client, "with 403"),
    explainList(policies?.blockUserAgents, (list) => `Refused with 403: a User-Agent with ${list.join(", ")}`),
    explainList(
      policies?.requireHeaders,
      (list) =>
        `Refused with 403: a request without ${
          list.map(({ name, value }) => value === undefined ? name : `${name}: ${value}`).join(", ")
        }`,
    ),
    explainLimits(route),
    policies?.forwardAuth === undefined ? undefined : {
      step:
        `${policies.forwardAuth.url} is asked about ${facts.path} first: another answer than 2xx goes to the client`,
    },
    policies?.pause === undefined
      ? undefined
      : { step: `Paused: the request is held for up to ${policies.pause.seconds} s`, verdict: "held" },
  ];
}

function explainCertificate(route: Route, { certificate }: ExplainFacts): Outcome {
  const issuer = route.certificate === "acme" ? "a public CA (ACME)" : "the platform's CA";
  if (certificate === undefined) return { step: `The certificate is to come from ${issuer}; the proxy reports none` };
  const { source, notAfter, problem } = certificate;
  const trouble = problem === undefined ? "" : `; ${problem}`;
  if (notAfter === undefined) return { step: `There is no certificate (${source})${trouble}`, verdict: "failing" };
  return { step: `The certificate (${source}) is good until ${notAfter}${trouble}` };
}

function explainAllowList(
  policies: RoutePolicies | undefined,
  client: ClientFacts | undefined,
  how: string,
): Outcome | undefined {
  if (policies?.allowAddresses === undefined) return undefined;
  if (client?.isInRouteList === false) {
    return { step: `${client.address} is refused ${how}: it is not on the route's list`, verdict: "refused" };
  }
  return { step: `Only clients of ${policies.allowAddresses.join(", ")} are let in` };
}

function explainList<T>(list: readonly T[] | undefined, text: (list: readonly T[]) => string): Outcome | undefined {
  return list === undefined || list.length === 0 ? undefined : { step: text(list) };
}

function explainLimits({ limits }: Route): Outcome | undefined {
  if (limits === undefined) return undefined;
  const { headBytes, bodyBytes, firstByteMs, totalMs, idleMs, requests } = limits;
  const parts = [
    headBytes === undefined ? "" : `head ${headBytes} B (431)`,
    bodyBytes === undefined ? "" : `body ${bodyBytes} B (413)`,
    firstByteMs === undefined ? "" : `first byte ${firstByteMs} ms (504)`,
    totalMs === undefined ? "" : `total ${totalMs} ms (504)`,
    idleMs === undefined ? "" : `idle ${idleMs} ms`,
    requests === undefined ? "" : `${requests.count} requests in ${requests.windowSeconds} s a client (429)`,
  ];
  return { step: `Limits: ${parts.filter((part) => part !== "").join(", ")}` };
}

function explainBackends(route: Route, { state }: ExplainFacts): Outcome {
  const places = route.backends.map(({ instance, address, port }) => {
    const place = `${address}:${port}`;
    return instance === place ? place : `${instance} (${place})`;
  });
  const protocol = route.mode === "l4" ? "" : ` by ${route.backendProtocol ?? "http"}`;
  const choice = places.length === 1 ? "" : ", the one with the fewest connections";
  return {
    step: `It goes${protocol} to ${places.join(", ")}${choice}`,
    verdict: state === "unknown" ? "unknown" : "served",
  };
}
