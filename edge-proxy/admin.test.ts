import assert from "node:assert/strict";
import { test } from "node:test";
import { openFirewall } from "#shared/contract/firewall.ts";
import type { Route } from "#shared/contract/route.ts";
import type { LogLevel } from "#shared/log/log.ts";
import { createAdmin } from "./admin.ts";
import { createLocalFirewall } from "./local-firewall.ts";
import { backendAt, openTestProxy, routeTo } from "./testing/open-test-proxy.ts";

const timeout = 20_000;

/** A proxy with a static route, and its admin endpoints. */
async function open(staticRoutes: readonly Route[] = []) {
  const fixture = await openTestProxy({ settings: { staticRoutes } });
  const firewall = createLocalFirewall({ apply: fixture.proxy.plane.firewall });
  const levels: LogLevel[] = [];
  let stops = 0;
  const admin = createAdmin({
    proxy: fixture.proxy,
    firewall,
    setLogLevel: (level) => void levels.push(level),
    stop: () => void (stops += 1),
  });
  const ask = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await admin.fetch(new Request(`http://admin${path}`, init));
    const text = await response.text();
    const json: Record<string, unknown> = text.startsWith("{") ? JSON.parse(text) : {};
    return { status: response.status, text, json };
  };
  return {
    fixture,
    firewall,
    levels,
    stops: () => stops,
    ask,
    async [Symbol.asyncDispose]() {
      firewall.stop();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

test("GET /readyz waits for routes; /healthz fails once no route serves", { timeout }, async () => {
  await using admin = await open();
  assert.equal((await admin.ask("GET", "/healthz")).status, 200);
  assert.equal((await admin.ask("GET", "/readyz")).status, 503);
  await admin.fixture.serve(routeTo("a.test", "l4", backendAt(1)));
  assert.equal((await admin.ask("GET", "/readyz")).status, 200);
  assert.match((await admin.ask("GET", "/metrics")).text, /^# HELP mc_proxy_connections_total/);
});

test("GET /v1/routes names a stored route that a static one keeps out", { timeout }, async () => {
  const fixed = { ...routeTo("a.test", "l4", backendAt(1)), service: "mcp", origin: "static" as const };
  await using admin = await open([fixed]);
  await admin.fixture.serve(routeTo("a.test", "l4", backendAt(2)), routeTo("b.test", "l4", backendAt(2)));
  const { json } = await admin.ask("GET", "/v1/routes");
  assert.deepEqual(Object.keys(Object(json["conflicts"])), ["a.test:443"]);
  assert.match(
    JSON.stringify(json["problems"]),
    /of web\/web.*of mcp\/web/,
  );
  assert.equal(Array.isArray(json["routes"]) && json["routes"].length, 2);
});

test("GET /v1/explain says what would become of a request, and why", { timeout }, async () => {
  await using admin = await open();
  await admin.fixture.serve(
    { ...routeTo("*.a.test", "l4", backendAt(1)), policies: { allowAddresses: ["10.0.0.0/8"] } },
    { ...routeTo("b.test", "l7", backendAt(1)), policies: { pause: { seconds: 9 } } },
  );
  admin.firewall.setRules({ ...openFirewall, blockedAddresses: ["192.0.2.0/24"] });
  const outcome = async (query: string) => (await admin.ask("GET", `/v1/explain?${query}`)).json["outcome"];
  assert.match(String(await outcome("host=X.A.test&ip=10.1.1.1")), /passed through/);
  assert.match(String(await outcome("host=x.a.test&ip=203.0.113.1")), /allow-list/);
  assert.match(String(await outcome("host=x.a.test&ip=192.0.2.1")), /address 192\.0\.2\.0\/24 of the firewall/);
  assert.match(String(await outcome("host=c.test")), /no route/);
  assert.match(String(await outcome("host=b.test")), /held for up to 9 s/);
  assert.match(String(await outcome("host=b.test&port=9999")), /no route/);
  const { json } = await admin.ask("GET", "/v1/explain?host=b.test");
  assert.equal(Object(json["certificate"])["state"], "live");
  assert.equal((await admin.ask("GET", "/v1/explain?ip=nonsense")).status, 400);
});

test("bans are put up, listed and lifted", { timeout }, async () => {
  await using admin = await open();
  assert.equal((await admin.ask("POST", "/v1/firewall/bans", { address: "192.0.2.0/24", ttl: 60 })).status, 201);
  const { json } = await admin.ask("GET", "/v1/firewall");
  assert.match(JSON.stringify(json["bans"]), /192\.0\.2\.0\/24/);
  assert.deepEqual(Object(json["rules"])["blockedAddresses"], []);
  assert.equal((await admin.ask("DELETE", "/v1/firewall/bans/192.0.2.0/24")).status, 204);
  assert.equal((await admin.ask("DELETE", "/v1/firewall/bans/192.0.2.0/24")).status, 404);
  for (const body of [{ address: "x", ttl: 1 }, { address: "192.0.2.1" }, { address: "192.0.2.1", ttl: 0 }]) {
    assert.equal((await admin.ask("POST", "/v1/firewall/bans", body)).status, 400);
  }
});

test(
  "the log level and the stop are handed on; connections, instances and certificates are listed",
  { timeout },
  async () => {
    await using admin = await open();
    await admin.fixture.serve(routeTo("a.test", "l7", backendAt(1)));
    assert.equal((await admin.ask("PUT", "/v1/log-level", { level: "debug" })).status, 200);
    assert.equal((await admin.ask("PUT", "/v1/log-level", { level: "loud" })).status, 400);
    assert.deepEqual(admin.levels, ["debug"]);
    assert.equal((await admin.ask("POST", "/v1/drain")).status, 202);
    assert.equal(admin.stops(), 1);
    assert.deepEqual((await admin.ask("GET", "/v1/connections")).json, { open: 0, connections: [] });
    assert.deepEqual((await admin.ask("GET", "/v1/instances")).json, { draining: {}, setAsideForMs: {} });
    assert.match((await admin.ask("GET", "/v1/certificates")).text, /"hostname":"a\.test","state":"live"/);
    assert.equal((await admin.ask("GET", "/v1/other")).status, 404);
  },
);
