import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { codeOf, deployed, reach, statusOf } from "./testing/deployment-steps.ts";
import { createTestPlatform, instanceOf, webDefinition } from "./testing/platform.ts";

const KeyRow = z.object({ key: z.string() });

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
