import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { DeploymentEvent } from "#shared/contract/mcp.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { PlatformError } from "#shared/errors/platform-error.ts";
import { createTestPlatform, instanceOf, type TestPlatform, webDefinition } from "./testing/platform.ts";

const key = "hello.svc.test:8443";
const KeyRow = z.object({ key: z.string() });

async function statusOf(platform: TestPlatform, id: string): Promise<string> {
  return (await platform.operator.getDeployment({ params: { id } })).status;
}

async function reach(platform: TestPlatform, id: string, status: string): Promise<void> {
  await waitUntil(async () => (await statusOf(platform, id)) === status || undefined, {
    action: `reach ${status}`,
    timeoutMs: 5_000,
    intervalMs: 5,
  });
}

async function eventsOf(platform: TestPlatform, id: string): Promise<DeploymentEvent[]> {
  const response = await platform.operator.followDeployment({ params: { id } });
  return (await response.text()).trim().split("\n").map((line) => DeploymentEvent.parse(JSON.parse(line)));
}

/** Deploys a definition and plays node and proxy until it has succeeded. */
async function deployed(platform: TestPlatform, version: string) {
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition(version) },
  });
  const old = await platform.routes();
  const instance = instanceOf(await platform.desired("hello"));
  await platform.report([instance]);
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
  return { id, instance, old };
}

const codeOf = (code: string) => (error: PlatformError) => error.code === code;

test("deploy goes from healthy instance to proven route, name and certificate right", async () => {
  await using platform = await createTestPlatform();
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition() },
  });
  assert.deepEqual(platform.grants.get("rift/hello"), ["hello.svc.test"]);
  assert.equal(await statusOf(platform, id), "starting");
  const desired = await platform.desired("hello");
  assert.equal(desired?.keepOld, true);
  await platform.report([instanceOf(desired, { state: "starting" })]);
  assert.ok(!(key in await platform.routes()), "no route before the instance is healthy");
  assert.ok(!platform.names().includes("hello.svc.test"));
  await platform.report([instanceOf(desired)]);
  assert.equal(await statusOf(platform, id), "routing");
  assert.deepEqual((await platform.routes())[key], [instanceOf(desired).instance]);
  assert.ok(platform.names().includes("hello.svc.test"));
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
  assert.deepEqual(platform.probed.map(({ hostname, port, mode }) => [hostname, port, mode]), [[
    "hello.svc.test",
    8443,
    "l7",
  ]]);
  assert.equal((await platform.desired("hello"))?.keepOld, false);
  const events = await eventsOf(platform, id);
  assert.deepEqual(events.map(({ sequence }) => sequence), events.map((_, index) => index + 1));
  assert.equal(events.at(-1)?.status, "succeeded");
  const detail = await platform.operator.getService({ params: { service: "hello" } });
  assert.equal(detail.observed, "healthy");
  assert.equal(detail.routes[0]?.url, "https://hello.svc.test:18443");
  assert.equal(detail.versions["web"], "v1.0.0");
});

test("deploy of a new version keeps the old one routed until the new one is healthy, and waits for what is in flight", async () => {
  await using platform = await createTestPlatform();
  const first = await deployed(platform, "v1.0.0");
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition("v1.0.1") },
  });
  const second = instanceOf(await platform.desired("hello"));
  await platform.report([first.instance, { ...second, state: "starting" }]);
  assert.deepEqual((await platform.routes())[key], [first.instance.instance]);
  await platform.report([first.instance, second]);
  assert.deepEqual((await platform.routes())[key], [second.instance]);
  await platform.applyRoutes({ draining: { [first.instance.instance]: 2 } });
  await reach(platform, id, "draining");
  assert.equal((await platform.desired("hello"))?.keepOld, true, "two requests are in flight");
  await platform.applyRoutes({ draining: { [first.instance.instance]: 0 } });
  assert.equal((await platform.desired("hello"))?.keepOld, false);
  await platform.report([second]);
  await reach(platform, id, "succeeded");
});

test("a failed instance reverts: the old version keeps its route, the reason and the last log lines are told", async () => {
  await using platform = await createTestPlatform();
  const first = await deployed(platform, "v1.0.0");
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition("v1.0.1") },
  });
  const second = instanceOf(await platform.desired("hello"), {
    state: "failed",
    reason: "exited with 3",
    lastLog: ["boom"],
  });
  await platform.report([first.instance, second]);
  assert.equal(await statusOf(platform, id), "reverting");
  assert.deepEqual((await platform.routes())[key], [first.instance.instance]);
  assert.equal((await platform.desired("hello"))?.components[0]?.specHash, first.instance.specHash);
  await platform.report([first.instance]);
  assert.equal(await statusOf(platform, id), "failed");
  const failure = (await eventsOf(platform, id)).find(({ step, state }) => step === "health" && state === "failed");
  assert.deepEqual([failure?.message, failure?.log], ["exited with 3", ["boom"]]);
  assert.equal((await platform.operator.getService({ params: { service: "hello" } })).observed, "healthy");
});

test("a first deployment that fails leaves nothing behind", async () => {
  await using platform = await createTestPlatform();
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition() },
  });
  await platform.report([instanceOf(await platform.desired("hello"), { state: "failed", reason: "no" })]);
  assert.equal(await platform.desired("hello"), undefined);
  await platform.report([]);
  assert.equal(await statusOf(platform, id), "failed");
  assert.deepEqual(platform.grants.get("rift/hello"), []);
});

test("a certificate that cannot be issued fails the deployment and gives the route back", async () => {
  await using platform = await createTestPlatform();
  const first = await deployed(platform, "v1.0.0");
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition("v1.0.1") },
  });
  const second = instanceOf(await platform.desired("hello"));
  await platform.report([first.instance, second]);
  await platform.applyRoutes({ problems: { [key]: "no certificate" } });
  assert.equal(await statusOf(platform, id), "reverting");
  assert.deepEqual((await platform.routes())[key], [first.instance.instance]);
  await platform.report([first.instance]);
  assert.match((await platform.operator.getDeployment({ params: { id } })).error ?? "", /no certificate/);
});

test("a path that cannot be proven reverts after its deadline", async () => {
  await using platform = await createTestPlatform();
  platform.failProbes("Cannot prove it");
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition() },
  });
  await platform.report([instanceOf(await platform.desired("hello"))]);
  await platform.applyRoutes();
  await waitUntil(() => platform.probed.length > 0 || undefined, { action: "probe", timeoutMs: 5_000, intervalMs: 5 });
  platform.advanceClock(61_000);
  await platform.mcp.tick();
  await reach(platform, id, "reverting");
  assert.ok(!(key in await platform.routes()));
});

test("stop removes routes and names before the containers, start brings them back, undeploy leaves nothing", async () => {
  await using platform = await createTestPlatform();
  const { instance } = await deployed(platform, "v1.0.0");
  const stop = await platform.operator.stop({ params: { service: "hello" } });
  assert.ok(!(key in await platform.routes()));
  assert.ok(!platform.names().includes("hello.svc.test"));
  assert.equal((await platform.desired("hello"))?.state, "running", "containers stop after the routes are gone");
  await platform.applyRoutes();
  assert.equal((await platform.desired("hello"))?.state, "stopped");
  await platform.report([{ ...instance, state: "stopped" }]);
  assert.equal(await statusOf(platform, stop.id), "succeeded");
  await assert.rejects(platform.operator.stop({ params: { service: "hello" } }), codeOf("conflict"));

  const start = await platform.operator.start({ params: { service: "hello" } });
  assert.equal((await platform.desired("hello"))?.state, "running");
  await platform.report([{ ...instance, startedAt: "2026-01-01T00:01:00Z" }]);
  await platform.applyRoutes();
  await reach(platform, start.id, "succeeded");
  assert.ok(key in await platform.routes());

  const undeploy = await platform.operator.undeploy({ params: { service: "hello" } });
  await platform.applyRoutes();
  assert.equal(await platform.desired("hello"), undefined);
  await platform.report([]);
  assert.equal(await statusOf(platform, undeploy.id), "succeeded");
  await assert.rejects(platform.operator.getService({ params: { service: "hello" } }), codeOf("not-found"));
  assert.deepEqual(platform.grants.get("rift/hello"), []);
});

test("restart waits for a container that has started anew", async () => {
  await using platform = await createTestPlatform();
  const { instance } = await deployed(platform, "v1.0.0");
  const { id } = await platform.operator.restart({ params: { service: "hello" } });
  assert.equal((await platform.desired("hello"))?.restartGeneration, 1);
  await platform.report([instance]);
  assert.equal(await statusOf(platform, id), "starting");
  await platform.report([{ ...instance, startedAt: "2026-01-01T00:09:00Z" }]);
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
});

test("a newer deployment supersedes an open one, but nothing overtakes a take-down", async () => {
  await using platform = await createTestPlatform();
  const first = await platform.operator.deploy({ params: { service: "hello" }, body: { definition: webDefinition() } });
  const second = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition("v1.0.1") },
  });
  assert.equal(await statusOf(platform, first.id), "superseded");
  await platform.report([instanceOf(await platform.desired("hello"))]);
  await platform.applyRoutes();
  await reach(platform, second.id, "succeeded");
  await platform.operator.stop({ params: { service: "hello" } });
  await assert.rejects(platform.operator.deploy({ params: { service: "hello" }, body: {} }), codeOf("conflict"));
});

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

test("logs are relayed from the node to the operator", async () => {
  await using platform = await createTestPlatform();
  await deployed(platform, "v1.0.0");
  const answer = platform.operator.logs({ params: { service: "hello" }, query: { tail: 5, follow: "true" } });
  const requestId = await waitUntil(async () => {
    const rows = await platform.database.all("SELECT key FROM feed_entry WHERE key LIKE 'logs/%'");
    return rows[0] === undefined ? undefined : KeyRow.parse(rows[0]).key.slice("logs/".length);
  }, { action: "see the log request", timeoutMs: 5_000, intervalMs: 5 });
  await assert.rejects(
    platform.clientFor({ username: "other", kind: "node" }).sendLogs({
      params: { node: "other", requestId },
      stream: new Blob(["x"]).stream(),
    }),
    codeOf("not-found"),
  );
  const sent = platform.node.sendLogs({
    params: { node: "rift", requestId },
    stream: new Blob(['{"line":"one"}\n']).stream(),
  });
  assert.equal(await (await answer).text(), '{"line":"one"}\n');
  await sent;
  assert.deepEqual(await platform.database.all("SELECT key FROM feed_entry WHERE key LIKE 'logs/%'"), []);
  await assert.rejects(
    platform.operator.logs({ params: { service: "hello" }, query: { component: "db" } }),
    codeOf("not-found"),
  );
  platform.advanceClock(60_000);
  await assert.rejects(platform.operator.logs({ params: { service: "hello" } }), codeOf("unavailable"));
});

test("a container that cannot be made is not said to run", async () => {
  await using platform = await createTestPlatform();
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition() },
  });
  const { startedAt: _never, ...making } = instanceOf(await platform.desired("hello"), { state: "starting" });
  await platform.report([making]);
  await platform.report([{ ...making, state: "failed", reason: "statfs /nowhere: no such file or directory" }]);
  await platform.report([]);
  assert.equal(await statusOf(platform, id), "failed");
  const response = await platform.operator.followDeployment({ params: { id }, query: { after: 0 } });
  const events = (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    events.filter(({ step }) => step === "start").map(({ state, message }) => `${state} ${message}`).slice(1),
    [`started starting container ${making.instance}`, "failed statfs /nowhere: no such file or directory"],
  );
});

test("a container that runs is said to, after it was being made", async () => {
  await using platform = await createTestPlatform();
  const { id } = await platform.operator.deploy({
    params: { service: "hello" },
    body: { definition: webDefinition() },
  });
  const running = instanceOf(await platform.desired("hello"), { state: "starting" });
  const { startedAt: _later, ...making } = running;
  for (const report of [making, running, running]) await platform.report([report]);
  await platform.report([{ ...running, state: "healthy" }]);
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
  const response = await platform.operator.followDeployment({ params: { id }, query: { after: 0 } });
  const done = (await response.text()).trim().split("\n").map((line) => JSON.parse(line)).filter(({ state }) =>
    state === "done"
  );
  assert.deepEqual(done.map(({ step }) => step).slice(0, 2), ["start", "health"]);
});

test("a stopped container is said to run only once it has started anew", async () => {
  await using platform = await createTestPlatform();
  const { instance } = await deployed(platform, "v1.0.0");
  await platform.operator.stop({ params: { service: "hello" } });
  await platform.applyRoutes();
  await platform.report([{ ...instance, state: "stopped" }]);
  const { id } = await platform.operator.start({ params: { service: "hello" } });
  const again = { ...instance, state: "starting", startedAt: "2026-01-01T00:01:00Z" } as const;
  for (const report of [{ ...instance, state: "starting" } as const, again, again]) await platform.report([report]);
  await platform.report([{ ...again, state: "healthy" }]);
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
  const response = await platform.operator.followDeployment({ params: { id }, query: { after: 0 } });
  const events = (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(events.filter(({ step, state }) => step === "start" && state === "done").length, 1);
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
