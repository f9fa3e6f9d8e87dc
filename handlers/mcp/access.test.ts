import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, deployed } from "./testing/deployment-steps.ts";
import { createTestPlatform, webDefinition } from "./testing/platform.ts";

test("deploy refuses before anything has changed", async () => {
  await using platform = await createTestPlatform();
  const attempt = (definition: ReturnType<typeof webDefinition>) =>
    platform.operator.deploy({ params: { service: "hello" }, body: { definition } });
  await assert.rejects(attempt(webDefinition("v9.9.9")), codeOf("image-not-found"));
  await assert.rejects(attempt(webDefinition("v1.0.0", { node: "unknown" })), codeOf("not-found"));
  await assert.rejects(attempt(webDefinition("v1.0.0", { name: "other" })), codeOf("invalid-request"));
  platform.advanceClock(20_000);
  await assert.rejects(attempt(webDefinition()), codeOf("unavailable"));
  await assert.rejects(platform.operator.deploy({ params: { service: "nothing" }, body: {} }), codeOf("not-found"));
  assert.equal(await platform.desired("hello"), undefined);
  assert.deepEqual((await platform.operator.listServices({})).services, []);
});

test("a route belongs to one service, and platform names to nobody else", async () => {
  await using platform = await createTestPlatform();
  await deployed(platform, "v1.0.0");
  const taking = (hostname: string) =>
    webDefinition("v1.0.0", {
      name: "thief",
      components: [{
        name: "web",
        image: "mcr.svc.test:8443/hello:v1.0.0",
        routes: [{ port: 8443, mode: "l7", hostname }],
      }],
    });
  for (const hostname of ["hello.svc.test", "mcr.svc.test"]) {
    await assert.rejects(
      platform.operator.deploy({ params: { service: "thief" }, body: { definition: taking(hostname) } }),
      codeOf("conflict"),
    );
  }
});

function definitionTaking(name: string, hostname: string, change: { port?: number; node?: string } = {}) {
  const { port = 8443, node = "rift" } = change;
  const image = "mcr.svc.test:8443/hello:v1.0.0";
  return webDefinition("v1.0.0", {
    name,
    node,
    components: [{ name: "web", image, routes: [{ port, mode: "l7", hostname }] }],
  });
}

test("a route that is about to be served is taken, also when two ask for it at the same moment", async () => {
  await using platform = await createTestPlatform();
  const deploy = (name: string) =>
    platform.operator.deploy({ params: { service: name }, body: { definition: definitionTaking(name, "shop.test") } });
  const results = await Promise.allSettled([deploy("first"), deploy("second")]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const granted = [...platform.grants.entries()].filter(([, names]) => names.includes("shop.test"));
  assert.equal(granted.length, 1);
  await assert.rejects(deploy("third"), codeOf("conflict"));
});

test("a name is served from one node, and a refused deployment gives no right to its certificate", async () => {
  await using platform = await createTestPlatform();
  await deployed(platform, "v1.0.0");
  const other = platform.clientFor({ username: "other", kind: "node", roles: [] });
  await other.heartbeat({ params: { node: "other" }, body: { address: "127.0.0.2", version: "1" } });
  const taking = definitionTaking("thief", "hello.svc.test", { port: 9443, node: "other" });
  await assert.rejects(
    platform.operator.deploy({ params: { service: "thief" }, body: { definition: taking } }),
    codeOf("conflict"),
  );
  const moved = webDefinition("v1.0.0", { node: "other" });
  await assert.rejects(
    platform.operator.deploy({ params: { service: "hello" }, body: { definition: moved } }),
    codeOf("conflict"),
  );
  assert.deepEqual([...platform.grants.keys()].filter((key) => key.startsWith("other/")), []);
});

test("a node tells an address, and nothing of services that it does not run", async () => {
  await using platform = await createTestPlatform();
  const { instance } = await deployed(platform, "v1.0.0");
  const other = platform.clientFor({ username: "other", kind: "node", roles: [] });
  await assert.rejects(
    other.heartbeat({ params: { node: "other" }, body: { address: "no.address", version: "1" } }),
    codeOf("invalid-request"),
  );
  await platform.report([{ ...instance, state: "unhealthy" }]);
  await other.reportNode({ params: { node: "other" }, body: { appliedRevision: 1, instances: [instance] } });
  assert.equal((await platform.operator.getService({ params: { service: "hello" } })).observed, "drifted");
});

test("nodes speak for themselves only; guests and strangers may do nothing", async () => {
  await using platform = await createTestPlatform();
  const other = platform.clientFor({ username: "other", kind: "node" });
  await assert.rejects(other.nodeFeed({ params: { node: "rift" } }), codeOf("forbidden"));
  await assert.rejects(other.routeFeed({ query: { node: "rift" } }), codeOf("forbidden"));
  await assert.rejects(
    other.heartbeat({ params: { node: "rift" }, body: { address: "127.0.0.1", version: "" } }),
    codeOf("forbidden"),
  );
  await assert.rejects(platform.clientFor({ roles: ["guest"] }).listServices({}), codeOf("forbidden"));
  await assert.rejects(
    platform.clientFor({ roles: ["admin"], audience: ["grafana"] }).listServices({}),
    codeOf("forbidden"),
  );
  assert.equal((await platform.mcp.app.request("/v1/services")).status, 401);
  const { events } = await platform.clientFor({ roles: ["admin"] }).listAudit({});
  assert.equal(events.filter(({ outcome }) => outcome === "denied").length, 6);
  assert.ok(
    events.some(({ action, actor, resource }) =>
      action === "feed.node" && actor === "other" && resource === "/v1/feed/node/rift"
    ),
  );
});

test("without the admin role a service reaches only its own folder", async () => {
  await using platform = await createTestPlatform();
  const [component] = webDefinition().components;
  const definition = webDefinition("v1.0.0", { components: [{ ...component, volumes: ["/:/host"] }] });
  const deploy = { params: { service: "hello" }, body: { definition } };
  await assert.rejects(platform.operator.deploy(deploy), codeOf("forbidden"));
  const { status } = await platform.clientFor({ roles: ["admin"] }).deploy(deploy);
  assert.equal(status, "starting");
});
