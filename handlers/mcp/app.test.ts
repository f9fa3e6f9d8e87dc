import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { codeOf, deployed, eventsOf, key, reach, statusOf } from "./testing/deployment-steps.ts";
import { createTestPlatform, instanceOf, webDefinition } from "./testing/platform.ts";

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
  // Podman tells whole seconds: a quick restart has the same start time.
  await platform.report([{ ...instance, restartGeneration: 1 }]);
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
