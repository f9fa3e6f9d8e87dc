import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Route, type RoutePolicies } from "#shared/contract/route.ts";
import { createCounterTable } from "../firewall/counter-table.ts";
import { createRequestLimiter } from "../firewall/request-limiter.ts";
import { requestOf } from "../testing/request-of.ts";
import type { AuthAnswer } from "./forward-auth.ts";
import { createHoldings } from "./holdings.ts";
import { createRouteGatekeeper } from "./route-gatekeeper.ts";

const origin = { hostname: "a.example", port: 443, clientAddress: "192.0.2.1" };
const request = requestOf();
const facts = { origin, request, clientAddress: "192.0.2.1" };
const signal = () => new AbortController().signal;
const forwardAuth = { url: "http://127.0.0.1/ask", responseFields: ["X-User"] };

function routeOf(policies?: RoutePolicies, requests?: { count: number; windowSeconds: number }): Route {
  const backends = [{ instance: "one", address: "127.0.0.1", port: 8080 }];
  const limits = requests === undefined ? undefined : { requests };
  return Route.parse({
    hostname: "a.example",
    port: 443,
    mode: "l7",
    service: "web",
    component: "site",
    backends,
    policies,
    limits,
  });
}

function openGate(answer: AuthAnswer = { kind: "pass", fields: [], dropFields: new Set() }) {
  const state: { route: Route | undefined; refused: string[] } = { route: undefined, refused: [] };
  const holdings = createHoldings();
  const gate = createRouteGatekeeper({
    findRoute: (port, hostname) => port === 443 && hostname === "a.example" ? state.route : undefined,
    limiter: createRequestLimiter({ counters: createCounterTable(64), clock: () => 60_000 }),
    forwardAuth: { ask: () => Promise.resolve(answer) },
    holdings,
    refused: (_route, reason) => state.refused.push(reason),
  });
  return { gate, holdings, state };
}

test("admit() passes at once without policies", () => {
  const { gate } = openGate();
  assert.deepEqual(gate.admit(routeOf(), facts, signal), { kind: "pass" });
});

test("admit() answers what the policies refuse, and counts it", () => {
  const { gate, state } = openGate();
  const admission = gate.admit(routeOf({ maintenance: { message: "Soon" } }), facts, signal);
  assert.deepEqual(admission, {
    kind: "answer",
    status: 503,
    reason: "maintenance",
    message: "Soon",
    fields: ["Retry-After", "30"],
  });
  assert.deepEqual(state.refused, ["maintenance"]);
});

test("LIM7: admit() answers 429 above the route's limit, judged after the block lists", () => {
  const { gate, state } = openGate();
  const route = routeOf({ blockUserAgents: ["bad"] }, { count: 1, windowSeconds: 10 });
  const bad = { ...facts, request: requestOf({ fields: ["User-Agent", "bad"] }) };
  void gate.admit(route, bad, signal);
  assert.deepEqual(gate.admit(route, facts, signal), { kind: "pass" });
  const second = gate.admit(route, facts, signal);
  assert.deepEqual(second, { kind: "answer", status: 429, reason: "rate", fields: ["Retry-After", "10"] });
  assert.deepEqual(state.refused, ["user-agent-blocked", "rate"]);
});

test("H3: believe() reads X-Forwarded-For by the route's trusted proxies", () => {
  const { gate } = openGate();
  const claiming = requestOf({ claimedFor: "198.51.100.1" });
  const trusting = gate.believe(routeOf({ trustedProxies: ["192.0.2.0/24"] }), origin, claiming);
  assert.deepEqual(trusting, { clientAddress: "198.51.100.1", forwardedFor: "198.51.100.1, 192.0.2.1" });
  assert.equal(gate.believe(routeOf(), origin, claiming).clientAddress, "192.0.2.1");
});

test("admit() holds requests of a paused route until it changes, through changes of others", async () => {
  const { gate, holdings, state } = openGate();
  state.route = routeOf({ pause: { seconds: 60 } });
  const held = gate.admit(state.route, facts, signal);
  gate.routesChanged();
  assert.equal(holdings.count(), 1);
  state.route = routeOf();
  gate.routesChanged();
  assert.deepEqual(await held, { kind: "pass" });
});

test("admit() judges a held request by the new route", async () => {
  const { gate, state } = openGate();
  state.route = routeOf({ pause: { seconds: 60 } });
  const held = gate.admit(state.route, facts, signal);
  state.route = routeOf({ allowAddresses: [] });
  gate.routesChanged();
  const admission = await held;
  assert.ok(admission.kind === "answer" && admission.status === 403);
});

test("admit() answers 503 when the pause lasts too long, or its route is gone", async () => {
  const { gate, state } = openGate();
  state.route = routeOf({ pause: { seconds: 1 } });
  const expired = await gate.admit(state.route, facts, signal);
  assert.ok(expired.kind === "answer" && expired.status === 503 && expired.reason === "pause");
  const held = gate.admit(state.route, facts, signal);
  state.route = undefined;
  gate.routesChanged();
  assert.equal((await held).kind, "answer");
});

test("admit() does what the asked service says", async () => {
  const passed: AuthAnswer = { kind: "pass", fields: ["X-User", "ann"], dropFields: new Set(["x-user"]) };
  assert.deepEqual(await openGate(passed).gate.admit(routeOf({ forwardAuth }), facts, signal), passed);
  const body = Buffer.from("log in");
  const refusal: AuthAnswer = { kind: "answer", status: 401, fields: ["WWW-Authenticate", "Basic"], body };
  const refused = await openGate(refusal).gate.admit(routeOf({ forwardAuth }), facts, signal);
  assert.deepEqual(refused, { ...refusal, reason: "forward-auth" });
});

test("admit() fails closed when nobody could be asked", async () => {
  const { gate, state } = openGate({ kind: "failed", status: 503, error: new Error("down") });
  const admission = await gate.admit(routeOf({ forwardAuth }), facts, signal);
  assert.ok(admission.kind === "answer" && admission.status === 503);
  assert.deepEqual(state.refused, ["forward-auth-failed"]);
});
