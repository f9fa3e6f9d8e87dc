import assert from "node:assert/strict";
import { test } from "node:test";
import { Route, type RoutePolicies } from "#shared/contract/route.ts";
import type { RequestHead } from "../l7/streams.ts";
import { requestOf } from "../testing/request-of.ts";
import { allowsAddress, compilePolicies, policiesOf } from "./compile-policies.ts";
import { judgeRequest } from "./judge-request.ts";

function judge(policies: RoutePolicies, parts: Partial<RequestHead> = {}, clientAddress = "192.0.2.1"): string {
  const verdict = judgeRequest(compilePolicies(policies), { request: requestOf(parts), clientAddress });
  return verdict === undefined
    ? "pass"
    : verdict.kind === "refuse"
    ? `${verdict.status} ${verdict.reason}`
    : verdict.kind;
}

const agent = (value: string) => ({ fields: ["User-Agent", value] });
const secret: RoutePolicies = { requireHeaders: [{ name: "X-Secret", value: "s3cret" }] };
const present: RoutePolicies = { requireHeaders: [{ name: "x-key" }] };
const asked: RoutePolicies = { forwardAuth: { url: "http://127.0.0.1/ask" } };

const cases: readonly [name: string, policies: RoutePolicies, request: Partial<RequestHead>, expected: string][] = [
  ["passes without policies", {}, {}, "pass"],
  ["passes an allowed address", { allowAddresses: ["192.0.2.0/24"] }, {}, "pass"],
  ["refuses another address", { allowAddresses: ["198.51.100.0/24"] }, {}, "403 address-not-allowed"],
  ["refuses everybody by an empty list", { allowAddresses: [] }, {}, "403 address-not-allowed"],
  ["blocks a user agent in any case", { blockUserAgents: ["BadBot"] }, agent("x badbot/1.0"), "403 user-agent-blocked"],
  ["blocks by any user agent line", { blockUserAgents: ["bad"] }, {
    fields: ["User-Agent", "good", "USER-AGENT", "bad"],
  }, "403 user-agent-blocked"],
  ["passes another user agent", { blockUserAgents: ["bad"] }, agent("good"), "pass"],
  ["passes no user agent", { blockUserAgents: ["bad"] }, {}, "pass"],
  ["passes a required field", present, { fields: ["X-Key", "anything"] }, "pass"],
  ["refuses a missing field", present, { fields: ["X-Keys", "x"] }, "403 header-required"],
  ["refuses a look-alike of a required field", present, { fields: ["x_key", "x"] }, "403 header-required"],
  ["passes the required value", secret, { fields: ["x-secret", "s3cret"] }, "pass"],
  ["refuses another value", secret, { fields: ["x-secret", "S3cret"] }, "403 header-required"],
  ["refuses a longer value", secret, { fields: ["x-secret", "s3cret "] }, "403 header-required"],
  [
    "refuses two lines of which one is wrong",
    secret,
    { fields: ["x-secret", "s3cret", "x-secret", "x"] },
    "403 header-required",
  ],
  ["takes a value of the authority", { requireHeaders: [{ name: "Host", value: "a.example" }] }, {}, "pass"],
  ["refuses a field that is empty apart", { requireHeaders: [{ name: "Via" }] }, {}, "403 header-required"],
  ["answers for maintenance", { maintenance: {} }, {}, "503 maintenance"],
  ["holds in a pause", { pause: { seconds: 3 } }, {}, "hold"],
  ["asks", asked, {}, "ask"],
  [
    "judges the address before the agent",
    { allowAddresses: [], blockUserAgents: ["bad"] },
    agent("bad"),
    "403 address-not-allowed",
  ],
  [
    "judges the agent before required fields",
    { ...present, blockUserAgents: ["bad"] },
    agent("bad"),
    "403 user-agent-blocked",
  ],
  ["judges required fields before maintenance", { ...present, maintenance: {} }, {}, "403 header-required"],
  ["judges maintenance before a pause", { maintenance: {}, pause: { seconds: 3 } }, {}, "503 maintenance"],
  ["holds before it asks", { ...asked, pause: { seconds: 3 } }, {}, "hold"],
];

for (const [name, policies, request, expected] of cases) {
  test(`judgeRequest() ${name}`, () => assert.equal(judge(policies, request), expected));
}

test("judgeRequest() gives the operator's words for maintenance, and when to come back", () => {
  const policies = compilePolicies({ maintenance: { message: "Back at noon" } });
  const verdict = judgeRequest(policies, { request: requestOf(), clientAddress: "192.0.2.1" });
  assert.deepEqual(verdict, {
    kind: "refuse",
    status: 503,
    reason: "maintenance",
    message: "Back at noon",
    retryAfterSeconds: 30,
  });
});

test("judgeRequest() refuses what is no address when addresses are named", () => {
  assert.equal(judge({ allowAddresses: ["0.0.0.0/0"] }, {}, "somebody"), "403 address-not-allowed");
  assert.equal(allowsAddress(compilePolicies({}), "somebody"), true);
});

test("G3: compilePolicies() lets no answer set fields that the proxy or the framing owns", () => {
  const responseFields = ["X-User", "Host", "content-length", "X_Forwarded_For", "Connection", "TE", "x-real-ip"];
  const { forwardAuth } = compilePolicies({ forwardAuth: { url: "http://127.0.0.1/", responseFields } });
  assert.deepEqual(forwardAuth?.responseFields, ["x-user"]);
});

test("policiesOf() compiles once for each route object", () => {
  const backends = [{ instance: "one", address: "127.0.0.1", port: 8080 }];
  const route = { hostname: "a.example", port: 443, mode: "l7", service: "web", component: "site", backends };
  const plain = Route.parse(route);
  const guarded = Route.parse({ ...route, policies: { maintenance: {} } });
  assert.equal(policiesOf(plain), undefined);
  assert.equal(policiesOf(guarded), policiesOf(guarded));
  assert.notEqual(policiesOf(guarded), undefined);
});
