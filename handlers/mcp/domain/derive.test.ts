import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import type { InstanceReport, InstanceState } from "#shared/contract/state.ts";
import { deriveRecords, deriveRoutes, zoneOf } from "./derive-routes.ts";
import { listCertificateNames, listRouteKeys, toDesiredComponents } from "./desired-components.ts";

const definition = ServiceDefinition.parse({
  name: "api",
  node: "rift",
  components: [{
    name: "api",
    image: "r.test/api:v1.2.3",
    volumes: ["/srv/api:/srv/api"],
    routes: [{ name: "rest", port: 8443, mode: "l4" }, { name: "grpc", port: 9443, mode: "l4" }],
  }, {
    name: "web",
    image: "r.test/web:v1.2.3",
    routes: [{ port: 443, mode: "l7", hostname: "docs.example.net" }],
  }],
});
const options = {
  definition,
  digests: new Map([["r.test/api:v1.2.3", "sha256:x"]]),
  serviceDomain: "svc.test",
  forwardAuthUrl: (service: string) => `https://mcias.test/v1/auth/forward?service=${service}`,
  hash: (text: string) => `${text.length}-${text}`,
};
const components = toDesiredComponents({
  ...options,
  hash: (text) => (text.includes('"api"') ? "hash-api" : "hash-web"),
});

function instance(component: string, state: InstanceState, id: string): InstanceReport {
  return {
    instance: id,
    service: "api",
    component,
    revision: 1,
    specHash: `hash-${component}`,
    deploymentId: "d",
    state,
    image: "i",
    ports: component === "api" ? { rest: 11_111, grpc: 22_222 } : { "": 33_333 },
  };
}

test("toDesiredComponents() fills in defaults: host name, user, network, strategy by volumes", () => {
  const [api, web] = components;
  assert.deepEqual([api?.strategy, web?.strategy], ["recreate", "rolling"]);
  assert.deepEqual([api?.user, api?.network, api?.imageDigest], ["0:0", "mcpnet", "sha256:x"]);
  assert.equal(api?.routes[0]?.hostname, "api.svc.test");
  assert.deepEqual(listRouteKeys(components), ["api.svc.test:8443", "api.svc.test:9443", "docs.example.net:443"]);
  assert.deepEqual(listCertificateNames(components), ["docs.example.net"]);
});

test("toDesiredComponents() gives equal hashes to equal containers, whatever port they are routed at", () => {
  const moved = structuredClone(definition);
  for (const route of moved.components[1]?.routes ?? []) route.port = 8443;
  const hashes = (value: ServiceDefinition, salt?: string) =>
    toDesiredComponents({ ...options, definition: value, hash: (text) => text, ...(salt ? { salt } : {}) }).map((
      { specHash },
    ) => specHash);
  assert.deepEqual(hashes(definition), hashes(moved));
  const full = (value: ServiceDefinition, salt = "") =>
    JSON.stringify(toDesiredComponents({ ...options, definition: value, salt }));
  assert.notEqual(full(definition), full(definition, "again"));
});

function withRules(change: Record<string, unknown>): ServiceDefinition {
  const [, web] = definition.components;
  const routes = web?.routes.map((route) => ({ ...route, ...change }));
  return ServiceDefinition.parse({ ...definition, components: [definition.components[0], { ...web, routes }] });
}

test("toDesiredComponents() gives routes their rules, which make no new container", () => {
  const changed = withRules({
    backend: "h2c",
    limits: { body: "1MiB" },
    policies: { forward_auth: "mcias", pause: "10s" },
  });
  const [, web] = toDesiredComponents({ ...options, definition: changed });
  const [, before] = toDesiredComponents(options);
  assert.equal(web?.specHash, before?.specHash);
  const { pauseSeconds, rules } = web?.routes[0] ?? {};
  assert.equal(pauseSeconds, 10);
  assert.equal(rules?.backendProtocol, "h2c");
  assert.equal(rules?.policies?.forwardAuth?.url, "https://mcias.test/v1/auth/forward?service=api");
});

test("listCertificateNames() leaves out wildcards, and names whose certificate a public CA issues", () => {
  const wildcard = toDesiredComponents({ ...options, definition: withRules({ hostname: "*.example.net" }) });
  assert.deepEqual(listCertificateNames(wildcard), []);
  const acme = toDesiredComponents({ ...options, definition: withRules({ certificate: "acme" }) });
  assert.deepEqual(listCertificateNames(acme), []);
});

test("deriveRoutes() passes the rules on, and keeps a held route alive with what has stopped", () => {
  const desired = toDesiredComponents({
    ...options,
    definition: withRules({ limits: { body: "1MiB" }, policies: { allow: ["10.0.0.0/8"], pause: "10s" } }),
    hash: (text) => (text.includes('"api"') ? "hash-api" : "hash-web"),
  });
  const rules = { limits: { bodyBytes: 1_048_576 }, policies: { allowAddresses: ["10.0.0.0/8"] } };
  const routeOf = (state: InstanceState, pauses = new Map<string, number>()) =>
    deriveRoutes({ name: "api", components: desired, instances: [instance("web", state, "w1")], pauses })
      .get("docs.example.net:443");
  const { limits, policies } = routeOf("healthy") ?? {};
  assert.deepEqual({ limits, policies }, rules);
  assert.equal(routeOf("stopped"), undefined);
  const held = routeOf("stopped", new Map([["web/", 10]]));
  assert.deepEqual(held?.policies, { ...rules.policies, pause: { seconds: 10 } });
  assert.deepEqual(held?.backends.map(({ instance }) => instance), ["w1"]);
});

test("deriveRoutes() points each route to the healthy instances of its spec", () => {
  const instances = [
    instance("api", "healthy", "a1"),
    instance("api", "starting", "a2"),
    instance("web", "healthy", "w1"),
    {
      ...instance("web", "healthy", "old"),
      specHash: "hash-old",
    },
  ];
  const routes = deriveRoutes({ name: "api", components, instances });
  assert.deepEqual([...routes.keys()], ["api.svc.test:8443", "api.svc.test:9443", "docs.example.net:443"]);
  assert.deepEqual(routes.get("api.svc.test:9443")?.backends, [{ instance: "a1", address: "127.0.0.1", port: 22_222 }]);
  assert.deepEqual(routes.get("docs.example.net:443")?.backends.map(({ instance }) => instance), ["w1"]);
});

test("deriveRoutes() keeps what runs when nothing is healthy, and drops routes with nothing behind", () => {
  const routes = deriveRoutes({
    name: "api",
    components,
    instances: [instance("web", "unhealthy", "w1"), instance("api", "stopped", "a1")],
  });
  assert.deepEqual([...routes.keys()], ["docs.example.net:443"]);
});

test("deriveRecords() gives one address record a name", () => {
  assert.deepEqual(deriveRecords(["b.test", "a.test", "b.test"], "10.0.0.1").map(({ name, type }) => [name, type]), [[
    "a.test",
    "A",
  ], ["b.test", "A"]]);
  assert.equal(deriveRecords(["a.test"], "fd00::1")[0]?.type, "AAAA");
});

test("zoneOf() picks the longest zone that holds the name", () => {
  const zones = ["test", "svc.test"];
  assert.equal(zoneOf("web.svc.test", zones), "svc.test");
  assert.equal(zoneOf("docs.test", zones), "test");
  assert.equal(zoneOf("notsvc.test", zones), "test");
  assert.equal(zoneOf("example.net", zones), undefined);
});
