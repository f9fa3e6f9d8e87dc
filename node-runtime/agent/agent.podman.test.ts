import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import type { DesiredComponent, InstanceReport } from "#shared/contract/state.ts";
import { whyNoPodman } from "../podman/testing/busybox-image.ts";
import { type PodmanFixture, startPodmanFixture } from "../podman/testing/podman-fixture.ts";
import { defaultHealthTimings } from "./health-watch.ts";
import { createProbe, type Probe, settleMs } from "./probe.ts";
import { type AgentFixture, startAgentFixture } from "./testing/agent-fixture.ts";
import { makeComponent, makeService } from "./testing/model.ts";

const skip = whyNoPodman() ?? false;
if (skip) console.log(`skipping tests with a real podman: ${skip}`);

let machine: PodmanFixture;
let probe: Probe;
before(async () => {
  if (skip) return;
  machine = await startPodmanFixture();
  const { rootless } = await machine.podman.info();
  probe = createProbe({ settleMs: rootless ? settleMs.rootless : settleMs.rootful });
});
after(async () => {
  if (!skip) await machine[Symbol.asyncDispose]();
});

const serve = (text: string) =>
  `trap 'exit 0' TERM; mkdir -p /w; echo ${text} > /w/index.html; httpd -f -p $PORT -h /w & wait`;
const allAre = (state: InstanceReport["state"], count = 1) => (all: InstanceReport[]) =>
  all.length === count && all.every((one) => one.state === state);

function startAgent(more: Parameters<typeof startAgentFixture>[1] = {}): AgentFixture {
  const { podman, platform } = machine;
  return startAgentFixture(podman, {
    platform,
    probe,
    healthTimings: defaultHealthTimings,
    holdMs: { minMs: 50, maxMs: 500 },
    ...more,
  });
}

function component(script: string, more: Partial<DesiredComponent> = {}): DesiredComponent {
  const { image, network } = machine;
  return makeComponent({
    image,
    network,
    command: ["sh", "-c", script],
    user: "0:0",
    specHash: createHash("sha256").update(script).digest("hex"),
    ...more,
  });
}

/** A service name of its own for each test: they share one podman. */
const service = (name: string, one: DesiredComponent, more: Parameters<typeof makeService>[0] = {}) =>
  makeService({ service: name, components: [one], ...more });

async function read(instance: InstanceReport | undefined): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${instance?.ports[""]}/`)).text();
}

async function clear(fixture: AgentFixture): Promise<void> {
  fixture.desire();
  await fixture.until("see all gone", (all) => all.length === 0);
}

test(
  "an agent replaces a version without a gap, restarts what crashes and rebuilds what is lost",
  { skip },
  async () => {
    await using fixture = startAgent();
    const first = component(serve("one"), { healthCheck: { path: "/", timeoutSeconds: 20 } });
    fixture.desire(service("shop", first));
    const [one] = await fixture.until("see the first version healthy", allAre("healthy"));
    assert.equal(await read(one), "one\n");

    const second = component(serve("two"));
    fixture.desire(service("shop", second, { deploymentId: "deployment-2", revision: 2, keepOld: true }));
    const both = await fixture.until("see both versions healthy", allAre("healthy", 2));
    assert.deepEqual((await Promise.all(both.map(read))).toSorted(), ["one\n", "two\n"]);
    fixture.desire(service("shop", second, { deploymentId: "deployment-2", revision: 2 }));
    const [two] = await fixture.until("see the second version alone", allAre("healthy"));
    assert.equal(await read(two), "two\n");

    // Not by its start time: podman tells that in whole seconds only.
    const seen = fixture.reports.length;
    await machine.podman.killContainer(two?.containerId ?? "");
    const wasDown = () => fixture.reports.slice(seen).some(({ instances: [one] }) => one?.state !== "healthy");
    const [back] = await fixture.until("see it back", (all) => allAre("healthy")(all) && wasDown());
    assert.equal(back?.containerId, two?.containerId);
    assert.equal(await read(back), "two\n");

    await machine.podman.removeContainer(two?.containerId ?? "", { force: true });
    const [anew] = await fixture.until(
      "see it rebuilt",
      ([now]) => now?.state === "healthy" && now.containerId !== two?.containerId,
    );
    assert.equal(await read(anew), "two\n");
    await clear(fixture);
  },
);

test("a version that cannot start fails fast, and the old one keeps serving", { skip }, async () => {
  await using fixture = startAgent();
  const old = component(serve("old"));
  fixture.desire(service("blog", old));
  await fixture.until("see it healthy", allAre("healthy"));

  const broken = component("echo cannot open database >&2; exit 4");
  fixture.desire(service("blog", broken, { deploymentId: "deployment-2", keepOld: true }));
  const afterExit = await fixture.until("see the exit", (all) => all.some((one) => one.state === "failed"));
  const failed = afterExit.find((one) => one.state === "failed");
  assert.equal(failed?.exitCode, 4);
  assert.deepEqual(failed?.lastLog, ["cannot open database"]);

  const missing = component("true", { image: "127.0.0.1:9/none:v1.0.0", specHash: "missing" });
  fixture.desire(service("blog", missing, { deploymentId: "deployment-3", keepOld: true }));
  const hasRefusal = (one: InstanceReport) => one.state === "failed" && /connection refused/.test(one.reason ?? "");
  const afterPull = await fixture.until("see the pull fail", (all) => all.some(hasRefusal));
  const healthy = afterPull.find((one) => one.state === "healthy");
  assert.equal(await read(healthy), "old\n");

  fixture.desire(service("blog", old, { deploymentId: "deployment-3" }));
  const [back] = await fixture.until("see the old one alone", allAre("healthy"));
  assert.equal(back?.containerId, healthy?.containerId);
  await clear(fixture);
});

test("an instance that never listens fails when its time is over", { skip }, async () => {
  await using fixture = startAgent();
  const deaf = component("trap 'exit 0' TERM; echo waiting; while :; do sleep 0.05; done", {
    healthCheck: { timeoutSeconds: 1 },
  });
  fixture.desire(service("deaf", deaf));
  const [failed] = await fixture.until("see it failed", allAre("failed"));
  assert.match(failed?.reason ?? "", /not healthy within 1 s: port \d+/);
  assert.deepEqual(failed?.lastLog, ["waiting"]);
  await clear(fixture);
});

test(
  "recreate, stop, start and restart keep one container; a restart of the agent touches none",
  { skip },
  async () => {
    const quiet = component("trap 'exit 0' TERM; while :; do sleep 0.05; done", {
      routes: [],
      strategy: "recreate",
      restart: "no",
    });
    const first = startAgent();
    first.desire(service("worker", quiet));
    const [one] = await first.until("see it healthy", allAre("healthy"));
    first.desire(service("worker", quiet, { state: "stopped" }));
    await first.until("see it stopped", allAre("stopped"));
    first.desire(service("worker", quiet));
    const [started] = await first.until("see it started", allAre("healthy"));
    assert.equal(started?.containerId, one?.containerId);
    first.desire(service("worker", quiet, { restartGeneration: 1 }));
    const [restarted] = await first.until(
      "see it restarted",
      ([now]) => now?.state === "healthy" && now.restartGeneration === 1,
    );
    assert.equal(restarted?.containerId, one?.containerId);
    await first[Symbol.asyncDispose]();

    await using second = startAgent({ notes: first.notes });
    second.desire(service("worker", quiet, { restartGeneration: 1 }));
    const [same] = await second.until("see it healthy", allAre("healthy"));
    assert.equal(same?.startedAt, restarted?.startedAt);
    assert.ok(second.reports.every(({ instances }) => allAre("healthy")(instances)));

    const broken = component("exit 1", { routes: [], strategy: "recreate" });
    second.desire(service("worker", broken, { restartGeneration: 1, deploymentId: "deployment-2", keepOld: true }));
    await second.until("see the new one failed", (all) => all.some((now) => now.state === "failed"));
    second.desire(service("worker", quiet, { restartGeneration: 1, deploymentId: "deployment-2" }));
    const [back] = await second.until("see the old one back", allAre("healthy"));
    assert.equal(back?.containerId, one?.containerId);
    await clear(second);
  },
);
