import assert from "node:assert/strict";
import { test } from "node:test";
import { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import { readRevision } from "#shared/feed/feed-store.ts";
import { codeOf, deployed, reach } from "./testing/deployment-steps.ts";
import { createTestPlatform, type TestPlatform, webDefinition } from "./testing/platform.ts";

const backends = [{ instance: "fixed", address: "fd00::9", port: 80 }];
const fixed = {
  hostname: "fixed.test",
  port: 443,
  mode: "l4",
  service: "fixed",
  component: "fixed",
  backends,
} as const;

async function store(platform: TestPlatform, change: Record<string, unknown> = {}): Promise<void> {
  const stored = { hostname: "nas.test", port: 443, mode: "l7", backends: ["10.0.0.7:8080"], ...change };
  const route = StoredRouteDefinition.parse(stored);
  const { hostname, port } = route;
  await platform.admin.putRoute({ params: { node: "rift", hostname, port }, body: { route, replace: true } });
}

async function listed(platform: TestPlatform): Promise<string[]> {
  const { routes } = await platform.operator.listRoutes({});
  return routes.map(({ hostname, origin, state, problem, backends: places }) =>
    [hostname, origin, state, problem ?? "", places.join(",")].join(" ").trimEnd()
  );
}

test("routes are listed with who made them and what their proxy says", async () => {
  await using platform = await createTestPlatform();
  assert.deepEqual(await listed(platform), ["mcr.svc.test platform unknown  127.0.0.1:8440"]);
  await deployed(platform, "v1.0.0");
  await platform.applyRoutes({
    problems: { "hello.svc.test:8443": "no certificate" },
    staticRoutes: [{ ...fixed, origin: "static" }],
  });
  await store(platform);
  assert.deepEqual(await listed(platform), [
    "hello.svc.test deployed problem no certificate 127.0.0.1:20000",
    "mcr.svc.test platform serves  127.0.0.1:8440",
    "nas.test stored pending  10.0.0.7:8080",
    "fixed.test static serves  [fd00::9]:80",
  ]);
  platform.advanceClock(60_000);
  assert.ok((await listed(platform)).every((line) => line.includes(" unknown")));
  await assert.rejects(platform.operator.listRoutes({ query: { node: "unknown" } }), codeOf("not-found"));
});

test("proxies are shown with what they report and what they should have applied", async () => {
  await using platform = await createTestPlatform();
  const before = await platform.operator.listProxies({});
  assert.deepEqual(before.proxies.map(({ node, status, report }) => [node, status, report]), [["rift", "ready", null]]);
  const certificates = [{ hostname: "a.test", notAfter: "2026-02-01T00:00:00Z", source: "acme" as const }];
  await platform.applyRoutes({
    version: "1.2.3",
    workers: 2,
    openConnections: 7,
    listeners: ["0.0.0.0:443"],
    certificates,
  });
  const { proxies: [view] } = await platform.operator.listProxies({ query: { node: "rift" } });
  assert.equal(view?.routesRevision, view?.report?.appliedRevision);
  assert.equal(view?.firewallRevision, await readRevision(platform.database, "firewall/rift"));
  assert.equal(view?.reportedAt, "2026-01-01T00:00:00.000Z");
  assert.deepEqual([view?.report?.version, view?.report?.openConnections], ["1.2.3", 7]);
  assert.deepEqual(view?.report?.certificates, certificates);
  await assert.rejects(platform.operator.listProxies({ query: { node: "unknown" } }), codeOf("not-found"));
  await assert.rejects(platform.node.listProxies({}), codeOf("forbidden"));
});

test("explain finds the route by exact name, then by wildcard, and judges the client", async () => {
  await using platform = await createTestPlatform();
  await store(platform, { hostname: "*.shop.test", policies: { allow: ["10.0.0.0/8", "fd00::/8"] } });
  await store(platform, { hostname: "one.shop.test", backends: ["10.0.0.1:80"] });
  await platform.admin.changeFirewall({ body: { block: ["192.0.2.0/24"], allow: ["192.0.2.7"] } });
  const notAfter = "2027-01-01T00:00:00Z";
  const certificates = ["*.shop.test", "one.shop.test"].map((hostname) => ({
    hostname,
    notAfter,
    source: "platform" as const,
  }));
  await platform.applyRoutes({ certificates });
  const explain = async (host: string, client?: string) => {
    const query = { host, ...(client === undefined ? {} : { client }) };
    const [explanation] = (await platform.operator.explain({ query })).explanations;
    return [explanation?.match, explanation?.route?.hostname, explanation?.verdict];
  };
  assert.deepEqual(await explain("one.shop.test"), ["exact", "one.shop.test", "served"]);
  assert.deepEqual(await explain("two.shop.test"), ["wildcard", "*.shop.test", "served"]);
  assert.deepEqual(await explain("two.shop.test", "fd00::1"), ["wildcard", "*.shop.test", "served"]);
  assert.deepEqual(await explain("two.shop.test", "203.0.113.1"), ["wildcard", "*.shop.test", "refused"]);
  assert.deepEqual(await explain("one.shop.test", "192.0.2.1"), ["exact", "one.shop.test", "refused"]);
  assert.deepEqual(await explain("one.shop.test", "192.0.2.7"), ["exact", "one.shop.test", "served"]);
  assert.deepEqual(await explain("a.b.shop.test"), ["none", undefined, "refused"]);
  await assert.rejects(platform.operator.explain({ query: { host: "a.test", path: "x" } }), codeOf("invalid-request"));
  await assert.rejects(platform.operator.explain({ query: { host: "a.test", node: "no" } }), codeOf("not-found"));
});

test("a route with a foreign certificate is proven without the platform's CA, an L4 route with a list not at all", async () => {
  await using platform = await createTestPlatform();
  const [component] = webDefinition().components;
  const deployWith = async (route: Record<string, unknown>) => {
    const definition = webDefinition("v1.0.0", { components: [{ ...component, routes: [{ port: 8443, ...route }] }] });
    const { id } = await platform.operator.deploy({ params: { service: "hello" }, body: { definition } });
    return id;
  };
  const apply = async (id: string, report = {}) => {
    await platform.applyRoutes(report);
    await reach(platform, id, "succeeded");
  };
  await deployed(platform, "v1.0.0");
  assert.equal(platform.probed.at(-1)?.hasForeignCertificate, undefined);
  await apply(await deployWith({ mode: "l7", certificate: "acme" }));
  assert.equal(platform.probed.at(-1)?.hasForeignCertificate, true);
  const certificates = [{ hostname: "hello.svc.test", source: "operator" }];
  await apply(await deployWith({ mode: "l7" }), { certificates });
  assert.equal(platform.probed.at(-1)?.hasForeignCertificate, true);
  const count = platform.probed.length;
  await apply(await deployWith({ mode: "l4", policies: { allow: ["10.0.0.0/8"] } }));
  assert.equal(platform.probed.length, count);
});
