import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { InstanceReport } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { whyNoPodman } from "../podman/testing/busybox-image.ts";
import { type PodmanFixture, startPodmanFixture } from "../podman/testing/podman-fixture.ts";
import type { AgentConfig } from "./config.ts";
import { type RunningAgent, startAgent } from "./start.ts";
import { FakeControlPlane } from "./testing/fake-control-plane.ts";
import { makeComponent, makeService } from "./testing/model.ts";

const skip = whyNoPodman() ?? false;
if (skip) console.log(`skipping tests with a real podman: ${skip}`);

let machine: PodmanFixture;
let plane: FakeControlPlane;
let planeUrl: string;
before(async () => {
  if (skip) return;
  machine = await startPodmanFixture();
  plane = new FakeControlPlane();
  planeUrl = await plane.url();
});
after(async () => {
  if (skip) return;
  await plane[Symbol.asyncDispose]();
  await machine[Symbol.asyncDispose]();
});

function toConfig(): AgentConfig {
  return {
    node: "n1",
    folder: join(machine.folder, "agent"),
    platform: machine.platform,
    address: "127.0.0.1",
    podman: { socketPath: machine.service.socketPath },
    adminListen: { host: "127.0.0.1", port: 0 },
    controlPlane: { mcpUrl: planeUrl, mciasUrl: planeUrl, identityPath: "unused" },
  };
}
const start = (): Promise<RunningAgent> =>
  startAgent(toConfig(), { log: silentLog, token: () => Promise.resolve("node-token") });

async function untilReported(action: string, predicate: (all: InstanceReport[]) => boolean): Promise<InstanceReport[]> {
  const find = () => {
    const instances = plane.reports.at(-1)?.instances;
    return instances && predicate(instances) ? instances : undefined;
  };
  return await waitUntil(find, { action, timeoutMs: 20_000, intervalMs: 5 });
}

const script = "trap 'exit 0' TERM; echo hello; echo oops >&2; httpd -f -p $PORT -h / & wait";
const desired = () => {
  const { image, network } = machine;
  return makeService({
    components: [makeComponent({ image, network, command: ["sh", "-c", script], specHash: "v1" })],
  });
};
const isHealthy = ([one]: InstanceReport[]) => one?.state === "healthy";

test("startAgent() runs what the feed asks for, beats, relays logs and shows itself", { skip }, async () => {
  await using agent = await start();
  plane.write({ "service/shop": desired() });
  const [instance] = await untilReported("see it healthy", isHealthy);
  assert.equal(plane.reports.at(-1)?.appliedRevision, 1);
  await waitUntil(() => plane.heartbeats[0], { action: "see a heartbeat", timeoutMs: 5_000 });
  assert.equal(plane.heartbeats[0]?.address, "127.0.0.1");
  assert.match(plane.heartbeats[0]?.version ?? "", /^\d+\.\d+/);
  assert.deepEqual([...plane.tokens], ["Bearer node-token"]);

  const request = { requestId: "r1", service: "shop", tail: 10, follow: true };
  plane.write({ "logs/r1": request });
  const lines = await waitUntil(() => (plane.lines.get("r1")?.length === 2 ? plane.lines.get("r1") : undefined), {
    action: "see the lines",
    timeoutMs: 10_000,
  });
  assert.deepEqual(lines.map(({ stream, line }) => `${stream} ${line}`).toSorted(), ["stderr oops", "stdout hello"]);
  assert.equal(lines[0]?.instance, instance?.instance);
  plane.write({ "logs/r1": null });

  const ask = (path: string) => fetch(`${agent.ready.admin}${path}`);
  assert.equal((await ask("/healthz")).status, 200);
  assert.deepEqual(await (await ask("/v1/plan")).json(), { operations: [] });
  assert.match(await (await ask("/metrics")).text(), /mcp_agent_instances\{state="healthy"\} 1/);
  assert.match(JSON.stringify(await (await ask("/v1/instances")).json()), /"state":"healthy"/);
  assert.equal((await ask("/nothing")).status, 404);
});

test("startAgent() needs no control plane to start what ran, and touches nothing that runs", { skip }, async () => {
  const before = (await machine.podman.listContainers(`mcp.platform=${machine.platform}`))[0];
  assert.ok(before);
  const { startedAt } = await machine.podman.inspectContainer(before.id);
  plane.cut(true);
  {
    await using agent = await start();
    const read = async (): Promise<string> =>
      JSON.stringify(await (await fetch(`${agent.ready.admin}/v1/instances`)).json());
    const healthy = async () => ((await read()).includes('"state":"healthy"') ? true : undefined);
    await waitUntil(healthy, { action: "see it healthy", timeoutMs: 10_000 });
    assert.deepEqual((await machine.podman.inspectContainer(before.id)).startedAt, startedAt);
    await machine.podman.removeContainer(before.id, { force: true });
    const rebuilt = async () => {
      const text = await read();
      return text.includes('"state":"healthy"') && !text.includes(before.id) ? true : undefined;
    };
    await waitUntil(rebuilt, { action: "see it rebuilt", timeoutMs: 15_000 });
  }
  plane.cut(false);
  await using _agent = await start();
  plane.write({ "service/shop": null });
  await untilReported("see it gone", (all) => all.length === 0);
});

test("startAgent() says that podman cannot be reached", { skip }, async () => {
  const config = { ...toConfig(), podman: { socketPath: "/nonexistent/podman.sock" } };
  await assert.rejects(
    startAgent(config, { log: silentLog, token: () => Promise.resolve("t") }),
    (error: unknown) => error instanceof PlatformError && error.code === "unavailable",
  );
});

test("startAgent() runs a podman service of its own without a control plane", { skip }, async () => {
  const { controlPlane: _controlPlane, adminListen: _adminListen, ...config } = toConfig();
  const registry = { registryName: "mcr.example.net:8443", registryLocation: "127.0.0.1:5000" };
  await using agent = await startAgent({ ...config, folder: join(machine.folder, "own"), podman: registry }, {
    log: silentLog,
  });
  assert.equal(agent.ready.podman, join(machine.folder, "own", "podman", "podman.sock"));
});
