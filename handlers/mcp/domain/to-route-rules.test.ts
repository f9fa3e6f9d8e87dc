import assert from "node:assert/strict";
import { test } from "node:test";
import { Route } from "#shared/contract/route.ts";
import { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import { toPauseSeconds, toRouteRules, toStoredRoute } from "./to-route-rules.ts";

const url = "https://mcias.test/v1/auth/forward?service=web";

test("toRouteRules() gives sizes in bytes and durations in milliseconds", () => {
  const limits = {
    head: "16KiB",
    body: "10MiB",
    first_byte: "500ms",
    total: "5m",
    idle: "1h",
    requests: { count: 100, window: "10s" },
  };
  assert.deepEqual(toRouteRules({ limits }, url), {
    limits: {
      headBytes: 16_384,
      bodyBytes: 10_485_760,
      firstByteMs: 500,
      totalMs: 300_000,
      idleMs: 3_600_000,
      requests: { count: 100, windowSeconds: 10 },
    },
  });
});

test("toRouteRules() gives policies as the proxy judges them, without the pause", () => {
  const written = {
    policies: {
      block_user_agent: ["curl"],
      require_header: ["X-Key", "X-Kind:  a: b "],
      allow: ["10.0.0.0/8"],
      trusted_proxies: ["192.0.2.1"],
      forward_auth: "mcias",
      maintenance: "back soon",
      pause: "10s",
    },
  };
  const fields = ["x-auth-account", "x-auth-kind", "x-auth-roles"];
  assert.deepEqual(toRouteRules(written, url), {
    policies: {
      blockUserAgents: ["curl"],
      requireHeaders: [{ name: "X-Key" }, { name: "X-Kind", value: "a: b" }],
      allowAddresses: ["10.0.0.0/8"],
      trustedProxies: ["192.0.2.1"],
      forwardAuth: { url, responseFields: fields },
      maintenance: { message: "back soon" },
    },
  });
  assert.equal(toPauseSeconds(written), 10);
  const other = { policies: { maintenance: true as const, forward_auth: "https://auth.example/x" } };
  assert.deepEqual(toRouteRules(other, url), {
    policies: { maintenance: {}, forwardAuth: { url: "https://auth.example/x" } },
  });
});

test("toRouteRules() gives nothing for a route without rules, and for one with nothing but a pause", () => {
  assert.equal(toRouteRules({}, url), undefined);
  assert.equal(toRouteRules({ policies: { pause: "10s" } }, url), undefined);
  assert.equal(toPauseSeconds({}), undefined);
});

test("toRouteRules() passes on protocols and certificates", () => {
  const written = { backend: "h2", backend_name: "shop.internal", certificate: "acme" } as const;
  assert.deepEqual(toRouteRules(written, url), {
    backendProtocol: "h2",
    backendServerName: "shop.internal",
    certificate: "acme",
  });
  assert.deepEqual(toRouteRules({ proxy_protocol: "v2" }, url), { sendProxyProtocol: "v2" });
});

test("toStoredRoute() gives a route of the feed, held while it has a pause", () => {
  const written = StoredRouteDefinition.parse({
    hostname: "nas.example.net",
    port: 443,
    mode: "l7",
    backends: ["10.0.0.7:8080", "[fd00::7]:8080"],
    policies: { pause: "10s" },
  });
  const route = toStoredRoute(written, () => url);
  assert.deepEqual(Route.parse(route), route);
  assert.deepEqual(route, {
    hostname: "nas.example.net",
    port: 443,
    mode: "l7",
    service: "stored",
    component: "stored",
    backends: [
      { instance: "10.0.0.7:8080", address: "10.0.0.7", port: 8080 },
      { instance: "[fd00::7]:8080", address: "fd00::7", port: 8080 },
    ],
    origin: "stored",
    policies: { pause: { seconds: 10 } },
  });
});
