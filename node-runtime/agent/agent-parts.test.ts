import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { createBoundedChannel } from "./bounded-channel.ts";
import { loadAgentConfig } from "./config.ts";
import { toNdjson } from "./control-plane.ts";
import { readNodeFeed } from "./desired-state.ts";
import { parseLabels, toLabels } from "./domain/labels.ts";
import { toNodeReport } from "./domain/node-report.ts";
import { createHolds } from "./holds.ts";
import { openInstanceNotes } from "./instance-notes.ts";
import { makeComponent, makeInstance, makeService } from "./testing/model.ts";

async function makeFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "agent-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("parseLabels() gives back what toLabels() wrote, and only of the same platform", () => {
  const component = makeComponent({ healthCheck: { path: "/healthz", timeoutSeconds: 5 } });
  const labels = toLabels("p1", makeService({ restartGeneration: 3 }), {
    component,
    instance: "abc",
    ports: { "": 1, rest: 2 },
  });
  const facts = parseLabels("p1", labels);
  assert.deepEqual(facts?.ports, { "": 1, rest: 2 });
  assert.deepEqual(facts?.healthCheck, { path: "/healthz", timeoutSeconds: 5 });
  assert.equal(facts?.restartGeneration, 3);
  assert.equal(parseLabels("p2", labels), undefined);
  assert.equal(parseLabels("p1", { ...labels, "mcp.ports": "{" }), undefined);
  assert.equal(parseLabels("p1", { "mcp.platform": "p1" }), undefined);
});

test("openInstanceNotes() keeps notes over a restart and goes on without damaged ones", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "notes.json");
  const notes = await openInstanceNotes(path, silentLog);
  await notes.update("a", { started: true });
  await notes.update("a", { wasHealthy: true });
  await notes.update("b", { stoppedByAgent: true });
  await notes.keepOnly(new Set(["a"]));
  assert.deepEqual(JSON.parse(await readFile(path, "utf8")), { a: { started: true, wasHealthy: true } });
  assert.deepEqual((await openInstanceNotes(path, silentLog)).get("a"), { started: true, wasHealthy: true });
  await writeFile(path, '{"a":');
  assert.deepEqual((await openInstanceNotes(path, silentLog)).get("a"), {});
});

test("readNodeFeed() sorts entries, and freezes a service that it cannot read", () => {
  const request = { requestId: "r1", service: "shop", tail: 1, follow: false };
  const entries = new Map<string, unknown>([
    ["service/shop", makeService()],
    ["service/blog", { service: "blog", state: "paused" }],
    ["logs/r1", request],
    ["logs/r2", {}],
    ["other/x", {}],
  ]);
  const { desired, logRequests } = readNodeFeed({ revision: 7, entries }, silentLog);
  assert.equal(desired.revision, 7);
  assert.deepEqual(desired.services.map(({ service }) => service), ["shop"]);
  assert.deepEqual(desired.frozen, ["blog"]);
  assert.deepEqual(logRequests, [request]);
});

test("toNodeReport() lets an instance stand for the newest deployment that it fits, and cuts long texts", () => {
  const failure = {
    deploymentId: "deployment-1",
    reason: "x".repeat(5_000),
    lastLog: Array.from({ length: 80 }, () => "line"),
  };
  const report = toNodeReport({
    appliedRevision: 4,
    desired: [makeService({ deploymentId: "deployment-2", revision: 2 })],
    observed: [
      makeInstance(),
      makeInstance({ instance: "two", specHash: "spec-old" }),
      makeInstance({ instance: "three", failure, state: "exited", exitCode: 1 }),
    ],
    transitions: new Map([["id-two", "stopping"]]),
    pending: [],
    troubles: new Map(),
  });
  const facts = report.instances.map(({ deploymentId, revision, state }) => `${deploymentId} ${revision} ${state}`);
  assert.deepEqual(facts, ["deployment-2 2 healthy", "deployment-1 2 failed", "deployment-1 1 stopping"]);
  const failed = report.instances.find(({ state }) => state === "failed");
  assert.equal(failed?.reason?.length, 2_000);
  assert.equal(failed?.lastLog?.length, 50);
});

test("createHolds() holds back while nothing changes, ever longer, and not after a change", () => {
  const holds = createHolds({ minMs: 60_000, maxMs: 600_000 });
  assert.equal(holds.nextReleaseMs(), undefined);
  holds.hold("a/b", "x");
  assert.equal(holds.isHeld("a/b", "x"), true);
  assert.ok((holds.nextReleaseMs() ?? 0) <= 60_000);
  holds.hold("a/b", "x");
  assert.ok((holds.nextReleaseMs() ?? 0) >= 59_000);
  assert.equal(holds.isHeld("a/b", "y"), false);
  assert.equal(holds.isHeld("a/b", "x"), false);
});

test("createBoundedChannel() makes producers wait for the reader, and lets them go when it leaves", async () => {
  const channel = createBoundedChannel<number>(2);
  const produced: number[] = [];
  const producing = (async () => {
    for (let item = 0; item < 10; item++) {
      await channel.push(item);
      produced.push(item);
    }
  })();
  await waitUntil(() => produced.length >= 2 || undefined, {
    action: "see two items",
    timeoutMs: 1_000,
    intervalMs: 1,
  });
  assert.deepEqual(produced, [0, 1]);
  const read: number[] = [];
  for await (const item of channel) {
    read.push(item);
    if (item === 4) break;
  }
  assert.deepEqual(read, [0, 1, 2, 3, 4]);
  await producing;
});

test("toNdjson() writes one JSON object a line", async () => {
  async function* lines() {
    yield { component: "web", instance: "a", stream: "stdout", at: "", line: "x\ny" } as const;
    yield { component: "web", instance: "a", stream: "stderr", at: "", line: "" } as const;
  }
  const text = await new Response(toNdjson(lines())).text();
  assert.deepEqual(text.trimEnd().split("\n").map((line) => JSON.parse(line).line), ["x\ny", ""]);
});

test("loadAgentConfig() reads the file, overrides it, and tells all problems", async () => {
  await using folder = await makeFolder();
  const path = join(folder.path, "agent.toml");
  await writeFile(
    path,
    '[agent]\nnode = "n1"\nfolder = "/srv/mcp"\n[podman]\nsocket = "/run/p.sock"\n[admin]\nlisten_addr = "127.0.0.1:0"\n',
  );
  const { config, logLevel } = await loadAgentConfig(path, { MCP_AGENT_AGENT_NODE: "n2" });
  assert.deepEqual(config, {
    node: "n2",
    folder: "/srv/mcp",
    platform: "metacircular",
    address: "127.0.0.1",
    podman: { socketPath: "/run/p.sock" },
    adminListen: { host: "127.0.0.1", port: 0 },
  });
  assert.equal(logLevel, "info");
  await writeFile(path, '[agent]\nnode = "N1"\n[podman]\nsocket = ""\n');
  await assert.rejects(loadAgentConfig(path, {}), /node: .*folder: .*socket: /s);
});
