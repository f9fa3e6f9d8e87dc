import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, integer, ipV4, ipV6, oneof, property, string } from "fast-check";
import { ServiceDefinition } from "./definition.ts";
import { parseBackend, StoredRouteDefinition } from "./route-definition.ts";

function problemsOf(routes: readonly object[], component: object = {}): string[] {
  const image = "mcr.example/web:v1.0.0";
  const parsed = ServiceDefinition.safeParse({
    name: "shop",
    node: "rift",
    components: [{ name: "web", image, routes, ...component }],
  });
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.slice(2).join(".")}: ${message}`);
}

const l4 = { port: 443, mode: "l4" };
const l7 = { port: 443, mode: "l7" };

test("ServiceDefinition takes every rule of a route", () => {
  const web = {
    ...l7,
    name: "web",
    hostname: "*.shop.example.net",
    backend: "https",
    backend_name: "shop.internal",
    limits: {
      head: "16KiB",
      body: "10MiB",
      first_byte: "500ms",
      total: "5m",
      idle: "1h",
      requests: { count: 100, window: "10s" },
    },
    policies: {
      block_user_agent: ["curl"],
      require_header: ["X-Key", "X-Kind: a b"],
      allow: ["10.0.0.0/8", "fd00::1"],
      trusted_proxies: ["192.0.2.1"],
      forward_auth: "mcias",
      maintenance: "back soon",
      pause: "10s",
    },
  };
  const raw = { ...l4, name: "raw", proxy_protocol: "v2", limits: { idle: "7d" }, policies: { allow: ["::/0"] } };
  assert.deepEqual(problemsOf([web, raw]), []);
  const simple = {
    ...l7,
    certificate: "acme",
    policies: { maintenance: true, forward_auth: "https://auth.example/x" },
  };
  assert.deepEqual(problemsOf([simple]), []);
});

const broken: readonly (readonly [rule: string, route: object, problem: RegExp])[] = [
  ["an unknown backend", { ...l7, backend: "fastcgi" }, /backend: /],
  ["a backend of an l4 route", { ...l4, backend: "https" }, /^routes\.0\.backend: .*"l4".*expected mode "l7"/],
  ["a certificate of an l4 route", { ...l4, certificate: "acme" }, /^routes\.0\.certificate: .*expected mode "l7"/],
  ["a body limit of an l4 route", { ...l4, limits: { body: "1MiB" } }, /^routes\.0\.limits\.body: .*mode "l7"/],
  ["a pause of an l4 route", { ...l4, policies: { pause: "5s" } }, /^routes\.0\.policies\.pause: .*mode "l7"/],
  ["the PROXY protocol on an l7 route", { ...l7, proxy_protocol: "v1" }, /^routes\.0\.proxy_protocol: .*mode "l4"/],
  ["a backend name over plain HTTP", { ...l7, backend_name: "a.b" }, /^routes\.0\.backend_name: .*"https" or "h2"/],
  ["an ACME certificate for a wildcard", { ...l7, hostname: "*.a.b", certificate: "acme" }, /certificate: a public CA/],
  ["a wildcard inside a name", { ...l7, hostname: "a.*.b" }, /^routes\.0\.hostname: expected a lower-case host name/],
  ["a size without a unit", { ...l7, limits: { body: "10" } }, /^routes\.0\.limits\.body: expected a size such as/],
  ["a head above 64 KiB", { ...l7, limits: { head: "65KiB" } }, /^routes\.0\.limits\.head: .*from 256B to 64KiB/],
  ["a duration above a day", { ...l7, limits: { total: "2d" } }, /^routes\.0\.limits\.total: .*at most 24h/],
  ["no time at all", { ...l7, limits: { idle: "0s" } }, /^routes\.0\.limits\.idle: expected a duration/],
  [
    "a window of half a second",
    { ...l7, limits: { requests: { count: 1, window: "500ms" } } },
    /^routes\.0\.limits\.requests\.window: expected whole seconds/,
  ],
  ["a header that is none", { ...l7, policies: { require_header: ["a b"] } }, /require_header\.0: expected "Name"/],
  ["an address that is none", { ...l7, policies: { allow: ["10.0.0"] } }, /policies\.allow\.0: expected an IP address/],
  ["another scheme", { ...l7, policies: { forward_auth: "ftp://x" } }, /forward_auth: expected "mcias" or a URL/],
  ["maintenance = false", { ...l7, policies: { maintenance: false } }, /maintenance: expected a text, or true/],
  ["a pause of an hour", { ...l7, policies: { pause: "1h" } }, /policies\.pause: .*at most 10m/],
  ["an unknown policy", { ...l7, policies: { block_ip: [] } }, /Unrecognized key: "block_ip"/],
];

for (const [rule, route, problem] of broken) {
  test(`ServiceDefinition refuses ${rule}, and says nothing else`, () => {
    const problems = problemsOf([route]);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", problem);
  });
}

test("ServiceDefinition reports all problems of a route at once", () => {
  const route = {
    ...l4,
    hostname: "A",
    backend: "h2",
    limits: { total: "1s", body: "lots" },
    policies: { allow: ["x"], pause: "1h" },
  };
  assert.deepEqual(
    new Set(problemsOf([route]).map((problem) => problem.split(":")[0])),
    new Set([
      "routes.0.backend",
      "routes.0.hostname",
      "routes.0.limits.body",
      "routes.0.limits.total",
      "routes.0.policies.allow.0",
      "routes.0.policies.pause",
    ]),
  );
});

test("ServiceDefinition refuses a health path on a route whose backend speaks TLS", () => {
  const [problem, ...more] = problemsOf([{ ...l7, backend: "https" }], { health: { path: "/" } });
  assert.deepEqual(more, []);
  assert.match(problem ?? "", /^health\.path: it is asked over plain HTTP/);
});

const stored = { hostname: "a.example.net", port: 443, mode: "l7", backends: ["10.0.0.1:80"] };

test("StoredRouteDefinition takes the same rules, and says what is wrong with backends", () => {
  assert.ok(StoredRouteDefinition.safeParse({ ...stored, limits: { body: "1MiB" }, service: "nas" }).success);
  const messages = (change: object) =>
    (StoredRouteDefinition.safeParse({ ...stored, ...change }).error?.issues ?? []).map(({ message }) => message);
  assert.match(messages({ backends: ["nas.lan:80"] })[0] ?? "", /expected an IP address and a port/);
  assert.equal(messages({ backends: [] }).length, 1);
  assert.match(messages({ proxy_protocol: "v1" })[0] ?? "", /expected mode "l4"/);
});

test("parseBackend() reads back what is written, and never throws", () => {
  const anyPort = integer({ min: 1, max: 65_535 });
  check(property(ipV4(), anyPort, (address, port) => {
    assert.deepEqual(parseBackend(`${address}:${port}`), { address, port });
  }));
  check(property(ipV6(), anyPort, (address, port) => {
    assert.deepEqual(parseBackend(`[${address}]:${port}`), { address, port });
  }));
  check(property(oneof(string(), ipV6()), (text) => {
    assert.equal(parseBackend(text), undefined);
  }));
});
