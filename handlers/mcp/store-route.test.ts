import assert from "node:assert/strict";
import { test } from "node:test";
import { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import { codeOf, deployed, key } from "./testing/deployment-steps.ts";
import { createTestPlatform, type TestPlatform, webDefinition } from "./testing/platform.ts";

function nas(change: Record<string, unknown> = {}): StoredRouteDefinition {
  const route = { hostname: "nas.test", port: 443, mode: "l7", backends: ["10.0.0.7:8080"], ...change };
  return StoredRouteDefinition.parse(route);
}

function put(platform: TestPlatform, route: StoredRouteDefinition, options: { node?: string; replace?: boolean } = {}) {
  const { node = "rift", replace = false } = options;
  const { hostname, port } = route;
  return platform.admin.putRoute({ params: { node, hostname, port }, body: { route, replace } });
}

function remove(platform: TestPlatform, hostname: string, port: number) {
  return platform.admin.deleteRoute({ params: { node: "rift", hostname, port } });
}

/** Names that some stored route lets the node have certificates for. */
function storedGrants({ grants }: TestPlatform): string[] {
  return [...grants].filter(([owner]) => owner.startsWith("rift/stored.")).flatMap(([, names]) => names).toSorted();
}

test("a stored route reaches the proxy, the names and the certificate rights, and goes again", async () => {
  await using platform = await createTestPlatform();
  const route = nas({ policies: { forward_auth: "mcias" }, limits: { body: "1MiB" }, service: "nas" });
  assert.deepEqual(await put(platform, route), { key: "nas.test:443", changed: true });
  const published = await platform.route("nas.test:443");
  assert.equal(published?.origin, "stored");
  assert.deepEqual(published?.limits, { bodyBytes: 1_048_576 });
  assert.equal(published?.policies?.forwardAuth?.url, "http://127.0.0.1:8440/v1/auth/forward?service=nas");
  assert.deepEqual(storedGrants(platform), ["nas.test"]);
  assert.ok(platform.names().includes("nas.test"));
  await remove(platform, "nas.test", 443);
  assert.equal(await platform.route("nas.test:443"), undefined);
  assert.deepEqual(storedGrants(platform), []);
  assert.ok(!platform.names().includes("nas.test"));
});

test("a wildcard is stored under its own name; wildcards, L4 and ACME routes get no certificate of the platform", async () => {
  await using platform = await createTestPlatform();
  await put(platform, nas({ hostname: "*.nas.test" }));
  await put(platform, nas({ hostname: "raw.test", mode: "l4" }));
  await put(platform, nas({ hostname: "public.test", certificate: "acme" }));
  assert.deepEqual(storedGrants(platform), []);
  assert.ok(platform.names().includes("*.nas.test"));
  await remove(platform, "*.nas.test", 443);
  assert.ok(!platform.names().includes("*.nas.test"));
});

test("the right to a certificate stays while another port needs it", async () => {
  await using platform = await createTestPlatform();
  await put(platform, nas());
  await put(platform, nas({ port: 8443 }));
  await remove(platform, "nas.test", 443);
  assert.deepEqual(storedGrants(platform), ["nas.test"]);
});

test("prepare() grants again what stored routes need", async () => {
  await using platform = await createTestPlatform();
  await put(platform, nas());
  platform.grants.clear();
  await platform.mcp.prepare();
  assert.deepEqual(storedGrants(platform), ["nas.test"]);
});

test("a stored route takes the place of another on request only", async () => {
  await using platform = await createTestPlatform();
  await put(platform, nas());
  assert.deepEqual(await put(platform, nas()), { key: "nas.test:443", changed: false });
  const other = nas({ backends: ["10.0.0.8:8080"] });
  await assert.rejects(put(platform, other), /is a stored route to 10\.0\.0\.7:8080 on node "rift".*--replace/);
  assert.deepEqual(await put(platform, other, { replace: true }), { key: "nas.test:443", changed: true });
  assert.deepEqual((await platform.routes())["nas.test:443"], ["10.0.0.8:8080"]);
});

test("a stored route does not take what a deployment or the platform has, and the error names both", async () => {
  await using platform = await createTestPlatform();
  await deployed(platform, "v1.0.0");
  const taking = nas({ hostname: "hello.svc.test", port: 8443 });
  await assert.rejects(
    put(platform, taking, { replace: true }),
    /Cannot route "hello\.svc\.test:8443" to 10\.0\.0\.7:8080: it is routed to "hello" on node "rift"/,
  );
  await assert.rejects(put(platform, nas({ hostname: "mcr.svc.test" })), /the name belongs to the platform/);
  assert.deepEqual(storedGrants(platform), []);
  await assert.rejects(remove(platform, "hello.svc.test", 8443), /it is routed to "hello".*expected a stored route/);
  assert.equal((await platform.route(key))?.origin, undefined);
});

test("a deployment does not take what is stored, and the error names both", async () => {
  await using platform = await createTestPlatform();
  await put(platform, nas({ hostname: "hello.svc.test", port: 8443 }));
  await assert.rejects(
    platform.operator.deploy({ params: { service: "hello" }, body: { definition: webDefinition() } }),
    /Cannot route "hello\.svc\.test:8443" to "hello": it is a stored route to 10\.0\.0\.7:8080 on node "rift"/,
  );
  assert.equal(platform.grants.get("rift/hello"), undefined);
  await put(platform, nas({ hostname: "hello.svc.test", port: 9443 }));
  await remove(platform, "hello.svc.test", 8443);
  const { status } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition() },
  });
  assert.equal(status, "starting", "another port of the name, on the same node, is free");
});

test("neither takes a static route of the proxy's configuration", async () => {
  await using platform = await createTestPlatform();
  const backends = [{ instance: "fixed", address: "10.0.0.9", port: 80 }];
  const fixed = { hostname: "hello.svc.test", port: 8443, mode: "l7" as const, service: "fixed", component: "fixed" };
  await platform.applyRoutes({ staticRoutes: [{ ...fixed, backends, origin: "static" }] });
  const expected =
    /"hello\.svc\.test:8443" to .*: it is a static route in the configuration of the proxy on node "rift"/;
  await assert.rejects(put(platform, nas({ hostname: "hello.svc.test", port: 8443 })), expected);
  await assert.rejects(
    platform.operator.deploy({ params: { service: "hello" }, body: { definition: webDefinition() } }),
    expected,
  );
});

test("a name is stored on one node or deployed on one, not both", async () => {
  await using platform = await createTestPlatform();
  const other = platform.clientFor({ username: "other", kind: "node", roles: [] });
  await other.heartbeat({ params: { node: "other" }, body: { address: "127.0.0.2", version: "1" } });
  await deployed(platform, "v1.0.0");
  await assert.rejects(
    put(platform, nas({ hostname: "hello.svc.test", port: 9443 }), { node: "other" }),
    codeOf("conflict"),
  );
  await put(platform, nas());
  await assert.rejects(put(platform, nas(), { node: "other" }), codeOf("conflict"));
});

test("storing routes is for admins: denials are audited, as are changes", async () => {
  await using platform = await createTestPlatform();
  const params = { node: "rift", hostname: "nas.test", port: 443 };
  const node = platform.clientFor({ username: "rift", kind: "node", roles: [] });
  for (const client of [platform.operator, platform.clientFor({ roles: ["guest"] }), node]) {
    await assert.rejects(client.putRoute({ params, body: { route: nas() } }), codeOf("forbidden"));
    await assert.rejects(client.deleteRoute({ params }), codeOf("forbidden"));
  }
  await assert.rejects(node.listRoutes({}), codeOf("forbidden"));
  await put(platform, nas());
  const { events } = await platform.admin.listAudit({});
  assert.equal(events.filter(({ outcome, code }) => outcome === "denied" && code === "forbidden").length, 7);
  assert.deepEqual(
    events.filter(({ outcome }) => outcome === "allowed").map((
      { actor, action, resource },
    ) => [actor, action, resource]),
    [["root", "route.put", "nas.test:443 on rift"]],
  );
});

test("a stored route is refused for an unknown node, another key and a key that is not stored", async () => {
  await using platform = await createTestPlatform();
  await assert.rejects(put(platform, nas(), { node: "unknown" }), codeOf("not-found"));
  const params = { node: "rift", hostname: "other.test", port: 443 };
  await assert.rejects(platform.admin.putRoute({ params, body: { route: nas() } }), codeOf("invalid-request"));
  await assert.rejects(remove(platform, "nas.test", 443), /has no such route, expected a stored route/);
});

test("without the admin role a deployment gets no wildcard name", async () => {
  await using platform = await createTestPlatform();
  const [component] = webDefinition().components;
  const routes = [{ port: 8443, mode: "l7", hostname: "*.hello.test" }];
  const definition = webDefinition("v1.0.0", { components: [{ ...component, routes }] });
  const deploy = { params: { service: "hello" }, body: { definition } };
  await assert.rejects(platform.operator.deploy(deploy), codeOf("forbidden"));
  assert.equal((await platform.admin.deploy(deploy)).status, "starting");
  assert.deepEqual(platform.grants.get("rift/hello"), [], "the platform's CA issues no wildcards");
});
