import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceReport } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createInstanceNotes } from "./instance-notes.ts";
import { startAgentFixture } from "./testing/agent-fixture.ts";
import { FakePodman } from "./testing/fake-podman.ts";
import { makeComponent, makeService, planModel } from "./testing/model.ts";

const image = makeComponent().image;
const next = makeService({
  deploymentId: "deployment-2",
  revision: 2,
  keepOld: true,
  components: [makeComponent({ specHash: "spec-b", image: "mcr.example.net:8443/web:v2.0.0" })],
});
const allAre = (state: InstanceReport["state"]) => (instances: InstanceReport[]) =>
  instances.length > 0 && instances.every((one) => one.state === state);
const states = (instances: InstanceReport[]) =>
  instances.map(({ specHash, state }) => `${specHash} ${state}`).toSorted();

test("an agent pulls, creates, starts, and reports an instance healthy with its ports", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [instance] = await fixture.until("see it healthy", allAre("healthy"));
  assert.ok(instance);
  const { ports, containerName = "" } = instance;
  assert.ok((ports[""] ?? 0) >= 10_000 && (ports[""] ?? 0) <= 60_000);
  assert.equal(instance.deploymentId, "deployment-1");
  assert.equal(instance.containerId, podman.containers.get(containerName)?.id);
  assert.deepEqual(podman.calls, [`pull ${image}`, `create ${containerName}`, `start ${containerName}`]);
  assert.deepEqual(podman.networks.get("mcpnet"), { "mcp.platform": "model" });
  const spec = podman.containers.get(containerName)?.spec;
  assert.equal(spec?.env["PORT"], String(ports[""]));
  assert.equal(spec?.restart, "no");
});

test("an agent touches nothing before it knows what is desired, nor containers of others", async () => {
  const podman = new FakePodman();
  podman.images.add("x");
  const spec = { name: "theirs", image: "x", env: {}, command: [], mounts: [], ports: [], network: "none" };
  await podman.createContainer({ ...spec, labels: { "mcp.platform": "another", "mcp.service": "shop" } });
  await podman.createContainer({ ...spec, name: "damaged", labels: { "mcp.platform": "model" } });
  await using fixture = startAgentFixture(podman);
  await fixture.until("see a report", (instances) => instances.length === 0);
  fixture.desire();
  await fixture.until("see the empty state applied", () => true);
  assert.deepEqual(podman.calls, ["create theirs", "create damaged"]);
});

test("a rolling update keeps the old instance until it is told otherwise", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [old] = await fixture.until("see it healthy", allAre("healthy"));
  fixture.desire(next);
  const both = await fixture.until("see both healthy", (all) => all.length === 2 && allAre("healthy")(all));
  assert.deepEqual(states(both), ["spec-a healthy", "spec-b healthy"]);
  assert.notEqual(both[0]?.ports[""], both[1]?.ports[""]);
  fixture.desire({ ...next, keepOld: false });
  await fixture.until("see the new one alone", (all) => all.length === 1 && all[0]?.specHash === "spec-b");
  assert.deepEqual(podman.calls.slice(-2), [`stop ${old?.containerName}`, `remove ${old?.containerName}`]);
});

test("a pull that fails is reported with podman's reason, and the old instance keeps serving", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  await fixture.until("see it healthy", allAre("healthy"));
  podman.behaviours.set("mcr.example.net:8443/web:v2.0.0", { pullError: "manifest unknown" });
  fixture.desire(next);
  const instances = await fixture.until("see the failure", (all) => all.some((one) => one.state === "failed"));
  assert.deepEqual(states(instances), ["spec-a healthy", "spec-b failed"]);
  const failed = instances.find((one) => one.state === "failed");
  assert.match(failed?.reason ?? "", /manifest unknown/);
  assert.equal(failed?.deploymentId, "deployment-2");
  podman.behaviours.clear();
  await fixture.until("see a later try succeed", (all) => all.length === 2 && allAre("healthy")(all));
});

test("a new instance that exits at once fails fast with its last output, until another deployment comes", async () => {
  const podman = new FakePodman();
  podman.behaviours.set(image, { exitCode: 3 });
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [failed] = await fixture.until("see it failed", allAre("failed"));
  assert.equal(failed?.exitCode, 3);
  assert.match(failed?.reason ?? "", /exited with code 3/);
  assert.deepEqual(failed?.lastLog, ["first line", "last line"]);
  assert.equal(podman.calls.filter((call) => call.startsWith("start")).length, 1);
  podman.behaviours.clear();
  fixture.desire(makeService({ deploymentId: "deployment-2" }));
  const [healthy] = await fixture.until("see the next deployment healthy", allAre("healthy"));
  assert.notEqual(healthy?.instance, failed?.instance);
});

test("a new instance that cannot start fails with podman's reason", async () => {
  const podman = new FakePodman();
  podman.behaviours.set(image, { startError: "no such file or directory" });
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [failed] = await fixture.until("see it failed", allAre("failed"));
  assert.match(failed?.reason ?? "", /no such file/);
});

test("a taken port leads to another container with another port", async () => {
  const podman = new FakePodman();
  podman.behaviours.set(image, { startError: "listen tcp 127.0.0.1:1: bind: address already in use" });
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  await waitUntil(() => podman.calls.some((call) => call.startsWith("remove")) || undefined, {
    action: "see it",
    timeoutMs: 5_000,
  });
  podman.behaviours.clear();
  await fixture.until("see it healthy", allAre("healthy"));
});

test("a new instance that is not healthy in time fails with the probe's reason", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman, { probe: () => Promise.resolve("GET /healthz answered 503") });
  fixture.desire(
    makeService({ components: [makeComponent({ healthCheck: { path: "/healthz", timeoutSeconds: 1 } })] }),
  );
  const [failed] = await fixture.until("see it failed", allAre("failed"));
  assert.match(failed?.reason ?? "", /not healthy within .* answered 503/);
  assert.deepEqual(failed?.lastLog, ["first line", "last line"]);
});

test("an instance that served is started again each time it crashes", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [instance] = await fixture.until("see it healthy", allAre("healthy"));
  const name = instance?.containerName ?? "";
  for (let crash = 1; crash <= 3; crash++) {
    podman.crash(name, 1);
    const isBack = ([one]: InstanceReport[]) => one?.state === "healthy" && one.startedAt !== instance?.startedAt;
    await waitUntil(() => podman.calls.filter((call) => call === `start ${name}`).length > crash || undefined, {
      action: "see the start",
      timeoutMs: 5_000,
    });
    await fixture.until("see it back", isBack);
  }
  assert.ok(
    fixture.reports.some(({ instances }) => instances[0]?.state === "unhealthy" && instances[0].exitCode === 1),
  );
});

test("an instance whose policy is no stays down with its exit code", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService({ components: [makeComponent({ restart: "no" })] }));
  const [instance] = await fixture.until("see it healthy", allAre("healthy"));
  podman.crash(instance?.containerName ?? "", 5);
  const [down] = await fixture.until("see it stopped", allAre("stopped"));
  assert.equal(down?.exitCode, 5);
  assert.match(down?.reason ?? "", /exited with code 5/);
});

test("a lost podman database is rebuilt from what is desired", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [before] = await fixture.until("see it healthy", allAre("healthy"));
  podman.loseDatabase();
  const isNew = ([one]: InstanceReport[]) => one?.state === "healthy" && one.containerId !== before?.containerId;
  await fixture.until("see it again", isNew);
});

test("an agent that restarts leaves healthy instances alone and never reports them unhealthy", async () => {
  const podman = new FakePodman();
  const first = startAgentFixture(podman);
  first.desire(makeService());
  await first.until("see it healthy", allAre("healthy"));
  await first[Symbol.asyncDispose]();
  const calls = podman.calls.length;
  await using second = startAgentFixture(podman, { notes: first.notes });
  second.desire(makeService());
  await second.until("see it healthy", allAre("healthy"));
  assert.equal(podman.calls.length, calls);
  assert.ok(second.reports.every(({ instances }) => allAre("healthy")(instances)));
});

test("an agent that was killed between create and start goes on with the created container", async () => {
  const podman = new FakePodman();
  const [create] = planModel([makeService()], [], true);
  assert.ok(create?.kind === "create");
  podman.images.add(image);
  await podman.createContainer(create.container);
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [instance] = await fixture.until("see it healthy", allAre("healthy"));
  assert.deepEqual(podman.calls, [`create ${instance?.containerName}`, `start ${instance?.containerName}`]);
});

test("an agent that lost its notes starts stopped containers rather than calling them failed", async () => {
  const podman = new FakePodman();
  const first = startAgentFixture(podman);
  first.desire(makeService());
  const [instance] = await first.until("see it healthy", allAre("healthy"));
  await first[Symbol.asyncDispose]();
  podman.crash(instance?.containerName ?? "", 137);
  await using second = startAgentFixture(podman, { notes: createInstanceNotes() });
  second.desire(makeService());
  const [after] = await second.until("see it healthy", allAre("healthy"));
  assert.equal(after?.containerId, instance?.containerId);
});

test("a failed instance stays failed when the agent restarts", async () => {
  const podman = new FakePodman();
  podman.behaviours.set(image, { exitCode: 3 });
  const first = startAgentFixture(podman);
  first.desire(makeService());
  await first.until("see it failed", allAre("failed"));
  await first[Symbol.asyncDispose]();
  await using second = startAgentFixture(podman, { notes: first.notes });
  second.desire(makeService());
  await second.until("see it failed still", allAre("failed"));
  assert.equal(podman.calls.filter((call) => call.startsWith("start")).length, 1);
});

test("recreate goes back to the stopped old instance when the new one fails", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  const recreate = { strategy: "recreate" } as const;
  const before = makeService({ components: [makeComponent(recreate)] });
  fixture.desire(before);
  const [old] = await fixture.until("see it healthy", allAre("healthy"));
  podman.behaviours.set("mcr.example.net:8443/web:v2.0.0", { exitCode: 1 });
  fixture.desire({ ...next, components: next.components.map((component) => ({ ...component, ...recreate })) });
  const failed = await fixture.until("see it failed", (all) => all.some((one) => one.state === "failed"));
  assert.deepEqual(states(failed), ["spec-a stopped", "spec-b failed"]);
  fixture.desire({ ...before, deploymentId: "deployment-2" });
  const [back] = await fixture.until("see the old one back", (all) => all.length === 1 && allAre("healthy")(all));
  assert.equal(back?.containerId, old?.containerId);
});

test("a revert under the same deployment leaves nothing of the failed pull in the report", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  await fixture.until("see it healthy", allAre("healthy"));
  podman.behaviours.set("mcr.example.net:8443/web:v2.0.0", { pullError: "manifest unknown" });
  fixture.desire(next);
  await fixture.until("see the failure", (all) => all.some((one) => one.state === "failed"));
  fixture.desire(makeService({ deploymentId: "deployment-2" }));
  await fixture.until("see the old one alone", (all) => all.length === 1 && allAre("healthy")(all));
});

test("a service whose wish cannot be read is left as it is", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [before] = await fixture.until("see it healthy", allAre("healthy"));
  fixture.agent.apply({ revision: 1, services: [], frozen: ["shop"] });
  await fixture.agent.changed(AbortSignal.timeout(5_000));
  assert.deepEqual(await fixture.agent.plan(), []);
  assert.equal(fixture.agent.report().instances[0]?.containerId, before?.containerId);
});

test("stop, start and restart keep the container", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  const [instance] = await fixture.until("see it healthy", allAre("healthy"));
  fixture.desire(makeService({ state: "stopped" }));
  await fixture.until("see it stopped", allAre("stopped"));
  fixture.desire(makeService());
  await fixture.until("see it started", allAre("healthy"));
  fixture.desire(makeService({ restartGeneration: 1, deploymentId: "deployment-2" }));
  const [restarted] = await fixture.until("see it restarted", allAre("healthy"));
  assert.equal(restarted?.containerId, instance?.containerId);
  assert.equal(restarted?.deploymentId, "deployment-2");
  assert.notEqual(restarted?.startedAt, instance?.startedAt);
  assert.equal(podman.calls.filter((call) => call.startsWith("restart")).length, 1);
  fixture.desire();
  await fixture.until("see it gone", (all) => all.length === 0);
  assert.equal(podman.containers.size, 0);
});

test("a report of the revision that restarts says so, never healthy from before", async () => {
  const podman = new FakePodman();
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  await fixture.until("see it healthy", allAre("healthy"));
  fixture.desire(makeService({ restartGeneration: 1 }));
  await fixture.until(
    "see it restarted",
    ([one]) => one?.state === "healthy" && podman.calls.some((call) => call.startsWith("restart")),
  );
  const ofRevision = fixture.reports.filter(({ appliedRevision }) => appliedRevision === 2);
  assert.equal(ofRevision[0]?.instances[0]?.state, "starting");
});

test("what is desired may change during a pull: the pull is given up", async () => {
  const podman = new FakePodman();
  podman.behaviours.set(image, { pullGate: new Promise(() => undefined) });
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  await fixture.until("see it pulling", allAre("pulling"));
  fixture.desire(next);
  const instances = await fixture.until("see the new one", allAre("healthy"));
  assert.deepEqual(states(instances), ["spec-b healthy"]);
});

test("an unhealthy instance that served is reported so, not restarted, and recovers", async () => {
  const podman = new FakePodman();
  let answer: string | undefined;
  await using fixture = startAgentFixture(podman, { probe: () => Promise.resolve(answer) });
  fixture.desire(makeService());
  await fixture.until("see it healthy", allAre("healthy"));
  answer = "port does not accept";
  const [ill] = await fixture.until("see it unhealthy", allAre("unhealthy"));
  assert.equal(ill?.reason, "port does not accept");
  answer = undefined;
  const [well] = await fixture.until("see it healthy again", allAre("healthy"));
  assert.equal(well?.reason, undefined);
  assert.equal(podman.calls.filter((call) => call.startsWith("start")).length, 1);
});

test("an agent outlives podman and the control plane, and reports the latest state when it can", async () => {
  const podman = new FakePodman();
  let isCut = true;
  let received = 0;
  await using fixture = startAgentFixture(podman, {
    controlPlane: {
      async report(report) {
        if (isCut) throw new PlatformError("unavailable", "Cannot reach the control plane");
        received++;
        assert.equal(report.instances[0]?.state, "healthy");
      },
      heartbeat: () => Promise.reject(new PlatformError("unavailable", "Cannot reach the control plane")),
      sendLogs: () => Promise.resolve(),
    },
  });
  podman.isDown = true;
  fixture.desire(makeService());
  podman.isDown = false;
  await waitUntil(() => fixture.agent.report().instances[0]?.state === "healthy" || undefined, {
    action: "see it",
    timeoutMs: 5_000,
  });
  isCut = false;
  await waitUntil(() => received > 0 || undefined, { action: "receive a report", timeoutMs: 5_000 });
});

test("plan() tells what would be done, without doing it", async () => {
  const podman = new FakePodman();
  const gate = Promise.withResolvers<void>();
  podman.behaviours.set(image, { pullGate: gate.promise });
  await using fixture = startAgentFixture(podman);
  fixture.desire(makeService());
  await fixture.until("see it pulling", allAre("pulling"));
  assert.deepEqual((await fixture.agent.plan()).map(({ kind }) => kind), ["pull", "create", "start"]);
  gate.resolve();
  await fixture.until("see it healthy", allAre("healthy"));
  assert.deepEqual(await fixture.agent.plan(), []);
  assert.ok(fixture.beats() > 0);
});
