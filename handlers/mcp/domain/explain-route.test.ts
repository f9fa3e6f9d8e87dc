import assert from "node:assert/strict";
import { test } from "node:test";
import { FirewallRules, openFirewall } from "#shared/contract/firewall.ts";
import { Route } from "#shared/contract/route.ts";
import { type ExplainFacts, explainRoute } from "./explain-route.ts";

const backend = { instance: "web-1", address: "127.0.0.1", port: 20_000 };

function routeWith(change: Record<string, unknown> = {}): Route {
  return Route.parse({
    hostname: "web.test",
    port: 443,
    mode: "l7",
    service: "web",
    component: "api",
    backends: [backend],
    ...change,
  });
}

function facts(change: Partial<ExplainFacts> = {}): ExplainFacts {
  return {
    host: "web.test",
    port: 443,
    path: "/a",
    route: routeWith(),
    match: "exact",
    origin: "deployed",
    state: "serves",
    problem: undefined,
    certificate: { hostname: "web.test", source: "platform", notAfter: "2027-01-01T00:00:00Z" },
    firewall: openFirewall,
    client: undefined,
    ...change,
  };
}

const client = { address: "192.0.2.1", isAllowed: false, isBlocked: false, isInRouteList: true };
const withPolicies = (policies: object) => ({ route: routeWith({ policies }) });

const rows: readonly [string, Partial<ExplainFacts>, string, RegExp][] = [
  ["a plain route", {}, "served", /It goes by http to web-1 \(127\.0\.0\.1:20000\)$/],
  ["no route", { route: undefined, match: "none", origin: null }, "refused", /No route serves web\.test:443/],
  ["a problem", { state: "problem", problem: "no certificate" }, "failing", /does not work: no certificate$/],
  ["a route that is not applied", { state: "pending" }, "unknown", /has not applied it yet$/],
  ["a silent proxy", { state: "unknown" }, "unknown", /It goes/],
  [
    "no certificate",
    { certificate: { hostname: "web.test", source: "acme", problem: "refused" } },
    "failing",
    /no cer.*refused$/,
  ],
  ["a blocked client", { client: { ...client, isBlocked: true } }, "refused", /refuses 192\.0\.2\.1 with a reset/],
  ["maintenance", withPolicies({ maintenance: {} }), "refused", /everything is answered with 503$/],
  ["a pause", withPolicies({ pause: { seconds: 5 } }), "held", /held for up to 5 s$/],
  [
    "a client off the route's list",
    {
      ...withPolicies({ allowAddresses: ["10.0.0.0/8"] }),
      client: { ...client, isInRouteList: false },
    },
    "refused",
    /not on the route's list$/,
  ],
  [
    "several instances",
    { route: routeWith({ backends: [backend, { ...backend, instance: "web-2" }] }) },
    "served",
    /fewest/,
  ],
  ["an l4 route", { route: routeWith({ mode: "l4", sendProxyProtocol: "v2" }) }, "served", /It goes to web-1/],
];

for (const [name, change, verdict, last] of rows) {
  test(`explainRoute() says ${verdict}: ${name}`, () => {
    const explained = explainRoute(facts(change));
    assert.equal(explained.verdict, verdict);
    assert.match(explained.steps.at(-1) ?? "", last);
  });
}

test("explainRoute() names every rule on the way, in the order of the proxy", () => {
  const route = routeWith({
    backendProtocol: "h2",
    limits: { bodyBytes: 10, requests: { count: 5, windowSeconds: 1 } },
    policies: {
      allowAddresses: ["10.0.0.0/8"],
      blockUserAgents: ["curl"],
      requireHeaders: [{ name: "X-Key" }, { name: "X-Kind", value: "a" }],
      forwardAuth: { url: "https://mcias.test/v1/auth/forward" },
    },
  });
  const firewall = FirewallRules.parse({ blockedAddresses: ["192.0.2.9"], blockedCountries: ["XX"], shadow: true });
  assert.deepEqual(explainRoute(facts({ route, firewall, match: "wildcard", origin: "stored" })).steps, [
    "The firewall only counts (shadow): 1 blocked addresses; blocked countries XX",
    "The stored route web.test:443 serves it (wildcard match, l7)",
    "The certificate (platform) is good until 2027-01-01T00:00:00Z",
    "Only clients of 10.0.0.0/8 are let in",
    "Refused with 403: a User-Agent with curl",
    "Refused with 403: a request without X-Key, X-Kind: a",
    "Limits: body 10 B (413), 5 requests in 1 s a client (429)",
    "https://mcias.test/v1/auth/forward is asked about /a first: another answer than 2xx goes to the client",
    "It goes by h2 to web-1 (127.0.0.1:20000)",
  ]);
});
