import assert from "node:assert/strict";
import { test } from "node:test";
import { deployed, key, reach } from "./testing/deployment-steps.ts";
import { createTestPlatform, instanceOf, type TestPlatform, webDefinition } from "./testing/platform.ts";

function pausing(version: string, limits?: object) {
  const [component] = webDefinition(version).components;
  const routes = [{ port: 8443, mode: "l7", policies: { pause: "10s" }, ...(limits === undefined ? {} : { limits }) }];
  return webDefinition(version, { components: [{ ...component, update: "recreate", routes }] });
}

async function deploy(platform: TestPlatform, definition: ReturnType<typeof webDefinition>): Promise<string> {
  return (await platform.operator.deploy({ params: { service: "hello" }, body: { definition } })).id;
}

async function pauseOf(platform: TestPlatform): Promise<number | undefined> {
  return (await platform.route(key))?.policies?.pause?.seconds;
}

test("a recreate deployment holds requests from when the old instance stops until the new one is routed", async () => {
  await using platform = await createTestPlatform();
  const { instance: old } = await deployed(platform, "v1.0.0");
  const id = await deploy(platform, pausing("v1.0.1"));
  const next = instanceOf(await platform.desired("hello"));
  assert.equal(await pauseOf(platform), undefined, "nothing has stopped yet");
  await platform.report([old, { ...next, state: "pulling" }]);
  assert.equal(await pauseOf(platform), undefined, "the old instance serves while the image is pulled");
  await platform.report([old, { ...next, state: "starting" }]);
  assert.equal(await pauseOf(platform), 10);
  await platform.report([{ ...old, state: "stopped" }, { ...next, state: "starting" }]);
  assert.equal(await pauseOf(platform), 10);
  assert.deepEqual((await platform.routes())[key], [old.instance], "the route lives on, so that requests can wait");
  await platform.report([{ ...old, state: "stopped" }, next]);
  assert.equal(await pauseOf(platform), undefined);
  assert.deepEqual((await platform.routes())[key], [next.instance]);
  await platform.applyRoutes();
  await reach(platform, id, "draining");
});

test("a failed recreate deployment holds requests until the old instance serves again, and no longer than it lasts", async () => {
  await using platform = await createTestPlatform();
  const { instance: old } = await deployed(platform, "v1.0.0");
  await deploy(platform, pausing("v1.0.1"));
  const next = instanceOf(await platform.desired("hello"));
  await platform.report([{ ...old, state: "stopped" }, { ...next, state: "failed", reason: "exited with 3" }]);
  assert.equal(await pauseOf(platform), 10);
  await platform.report([old, { ...next, state: "stopping" }]);
  assert.equal(await pauseOf(platform), undefined);
});

test("a failed deployment that has ended holds nothing, though the old instance is not back", async () => {
  await using platform = await createTestPlatform();
  const { instance: old } = await deployed(platform, "v1.0.0");
  const id = await deploy(platform, pausing("v1.0.1"));
  const next = instanceOf(await platform.desired("hello"));
  await platform.report([{ ...old, state: "stopped" }, { ...next, state: "failed" }]);
  await platform.report([{ ...old, state: "starting" }]);
  await reach(platform, id, "failed");
  assert.equal(await pauseOf(platform), undefined);
});

test("a deployment that only changes rules of routes makes no container and holds nothing", async () => {
  await using platform = await createTestPlatform();
  await deploy(platform, pausing("v1.0.0"));
  const instance = instanceOf(await platform.desired("hello"));
  await platform.report([instance]);
  await platform.applyRoutes();
  const id = await deploy(platform, pausing("v1.0.0", { body: "1MiB" }));
  assert.equal((await platform.desired("hello"))?.components[0]?.specHash, instance.specHash);
  assert.deepEqual((await platform.route(key))?.limits, { bodyBytes: 1_048_576 });
  assert.equal(await pauseOf(platform), undefined);
  await platform.applyRoutes();
  await reach(platform, id, "succeeded");
});

test("a restart of a component with a pause holds requests while its instance is down", async () => {
  await using platform = await createTestPlatform();
  await deploy(platform, pausing("v1.0.0"));
  const instance = instanceOf(await platform.desired("hello"));
  await platform.report([instance]);
  await platform.applyRoutes();
  await platform.operator.getService({ params: { service: "hello" } });
  const { deployments } = await platform.operator.getService({ params: { service: "hello" } });
  await reach(platform, deployments[0]?.id ?? "", "succeeded");
  await platform.operator.restart({ params: { service: "hello" } });
  assert.equal(await pauseOf(platform), undefined);
  await platform.report([{ ...instance, state: "starting" }]);
  assert.equal(await pauseOf(platform), 10);
  await platform.report([{ ...instance, restartGeneration: 1 }]);
  assert.equal(await pauseOf(platform), undefined);
});
