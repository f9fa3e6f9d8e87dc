import assert from "node:assert/strict";
import { test } from "node:test";
import type { DesiredService } from "#shared/contract/state.ts";
import { applyOperation, makeComponent, makeInstance, makeService, planModel } from "../testing/model.ts";
import type { ObservedInstance } from "./observed-instance.ts";
import { describeOperation } from "./operation.ts";
import { planNode } from "./plan.ts";

function lines(desired: readonly DesiredService[], observed: readonly ObservedInstance[], hasImage = true): string[] {
  return planModel(desired, observed, hasImage).map(describeOperation).map((line) =>
    line.replace(/-[0-9a-f]{10}\b/, "-NEW")
  );
}

const failure = { deploymentId: "deployment-1", reason: "it exited", exitCode: 1, lastLog: [] };
const old = makeInstance({ instance: "old", specHash: "spec-old" });
const recreate = makeComponent({ strategy: "recreate" });

test("planNode() pulls, creates and starts what is missing", () => {
  assert.deepEqual(lines([makeService()], [], false), [
    "pull mcr.example.net:8443/web:v1.0.0",
    "create shop-web-NEW on port 20000",
    "start shop-web-NEW",
  ]);
});

test("planNode() pulls by digest when it is known, and not what is local", () => {
  const imageDigest = `sha256:${"0".repeat(64)}`;
  const service = makeService({ components: [makeComponent({ imageDigest })] });
  assert.equal(lines([service], [], false)[0], `pull mcr.example.net:8443/web@${imageDigest}`);
  assert.deepEqual(lines([service], []), ["create shop-web-NEW on port 20000", "start shop-web-NEW"]);
});

test("planNode() does nothing when all is as it should be", () => {
  assert.deepEqual(lines([makeService()], [makeInstance()]), []);
});

test("planNode() leaves a new instance that exited alone until it is known what that means", () => {
  const exited = makeInstance({ state: "exited", exitCode: 4, restart: "always", awaitsJudgement: true });
  assert.deepEqual(lines([makeService()], [exited]), []);
});

test("planNode() creates nothing without ports", () => {
  const input = {
    platform: "p",
    desired: [makeService({ components: [recreate] })],
    observed: [old],
    provisions: new Map(),
  };
  assert.deepEqual(planNode(input), []);
});

test("planNode() with rolling starts the new beside the old and keeps it until told", () => {
  assert.deepEqual(lines([makeService({ keepOld: true })], [old]), [
    "create shop-web-NEW on port 20000",
    "start shop-web-NEW",
  ]);
  assert.deepEqual(lines([makeService({ keepOld: true })], [old, makeInstance()]), []);
  assert.deepEqual(lines([makeService()], [old, makeInstance()]), ["stop shop-web-old", "remove shop-web-old"]);
});

test("planNode() with recreate pulls first, stops the old, and never removes it while it may be needed", () => {
  const service = makeService({ components: [recreate], keepOld: true });
  assert.deepEqual(lines([service], [old], false), [
    "pull mcr.example.net:8443/web:v1.0.0",
    "stop shop-web-old",
    "create shop-web-NEW on port 20000",
    "start shop-web-NEW",
  ]);
  const stopped = { ...old, state: "exited", stoppedByAgent: true } as const;
  assert.deepEqual(lines([service], [stopped, makeInstance()]), []);
  assert.deepEqual(lines([{ ...service, keepOld: false }], [old, makeInstance()]), [
    "stop shop-web-old",
    "remove shop-web-old",
  ]);
});

test("planNode() with recreate goes back to the stopped old instance when the new one failed", () => {
  const stopped = { ...old, state: "exited", stoppedByAgent: true, restart: "no" } as const;
  const failed = makeInstance({ failure });
  const back = makeService({
    components: [{ ...recreate, specHash: "spec-old" }],
    deploymentId: "deployment-1",
  });
  assert.deepEqual(lines([back], [stopped, failed]), [
    "stop shop-web-one",
    "start shop-web-old",
    "remove shop-web-one",
  ]);
});

test("planNode() leaves a failed instance alone until a new deployment replaces it", () => {
  const failed = makeInstance({ state: "exited", exitCode: 1, failure });
  assert.deepEqual(lines([makeService()], [failed]), []);
  assert.deepEqual(lines([makeService({ deploymentId: "deployment-2" })], [failed]), [
    "remove shop-web-one",
    "create shop-web-NEW on port 20000",
    "start shop-web-NEW",
  ]);
});

test("planNode() starts a crashed instance as its restart policy says", () => {
  const exited = (restart: ObservedInstance["restart"], exitCode: number, stoppedByAgent = false) =>
    lines([makeService()], [makeInstance({ state: "exited", restart, exitCode, stoppedByAgent })]);
  assert.deepEqual(exited("always", 0), ["start shop-web-one"]);
  assert.deepEqual(exited("unless-stopped", 1), ["start shop-web-one"]);
  assert.deepEqual(exited("on-failure", 1), ["start shop-web-one"]);
  assert.deepEqual(exited("on-failure", 0), []);
  assert.deepEqual(exited("no", 1), []);
  assert.deepEqual(exited("no", 143, true), ["start shop-web-one"]);
});

test("planNode() brings a crashed old instance back while the new one is not proven", () => {
  const crashed = { ...old, state: "exited", exitCode: 1 } as const;
  assert.deepEqual(lines([makeService({ keepOld: true })], [crashed, makeInstance()]), ["start shop-web-old"]);
});

test("planNode() stops and keeps a stopped service, and starts it again", () => {
  const stopped = makeService({ state: "stopped" });
  assert.deepEqual(lines([stopped], [makeInstance(), old]), [
    "stop shop-web-one",
    "stop shop-web-old",
    "remove shop-web-old",
  ]);
  assert.deepEqual(lines([stopped], []), []);
  const kept = makeInstance({ state: "exited", stoppedByAgent: true });
  assert.deepEqual(lines([stopped], [kept]), []);
  assert.deepEqual(lines([makeService()], [kept]), ["start shop-web-one"]);
});

test("planNode() restarts in place what started under a lower generation", () => {
  const service = makeService({ restartGeneration: 2 });
  assert.deepEqual(lines([service], [makeInstance({ restartGeneration: 1 })]), ["restart shop-web-one in place"]);
  assert.deepEqual(lines([service], [makeInstance({ restartGeneration: 2 })]), []);
});

test("planNode() removes what no service and no component wants", () => {
  assert.deepEqual(lines([], [makeInstance()]), ["stop shop-web-one", "remove shop-web-one"]);
  const gone = makeInstance({ component: "api", containerName: "shop-api-one" });
  assert.deepEqual(lines([makeService()], [makeInstance(), gone]), ["stop shop-api-one", "remove shop-api-one"]);
  assert.deepEqual(lines([makeService({ keepOld: true })], [makeInstance(), gone]), []);
});

test("planNode() keeps the best of two instances of one spec", () => {
  const starting = makeInstance({ instance: "two", containerName: "shop-web-two", health: "starting" });
  assert.deepEqual(lines([makeService()], [starting, makeInstance()]), ["stop shop-web-two", "remove shop-web-two"]);
});

test("planNode() gives $PORT, $PORT_<NAME> and a collapsed name", () => {
  const routes = [
    { name: "rest", port: 8443, mode: "l4", hostname: "a.example.net" },
    { name: "grpc-admin", port: 9443, mode: "l4", hostname: "a.example.net" },
    { name: "rest", port: 443, mode: "l4", hostname: "b.example.net" },
  ] as const;
  const component = makeComponent({
    name: "shop",
    routes: [...routes],
    env: ["A=b=c", "PORT_REST=1", "EMPTY"],
    user: "0:0",
  });
  const create = planModel([makeService({ components: [component] })], [], true)[0];
  assert.ok(create?.kind === "create");
  assert.match(create.containerName, /^shop-[0-9a-f]{10}$/);
  assert.deepEqual(create.container.env, { A: "b=c", EMPTY: "", PORT_REST: "20000", PORT_GRPC_ADMIN: "20001" });
  assert.deepEqual(create.ports, { rest: 20_000, "grpc-admin": 20_001 });
  assert.equal(create.container.ports.length, 2);
  assert.equal(create.container.user, "0:0");
});

test("planNode() publishes no port on the host's network", () => {
  const create = planModel([makeService({ components: [makeComponent({ network: "host" })] })], [], true)[0];
  assert.ok(create?.kind === "create");
  assert.deepEqual(create.container.ports, []);
  assert.equal(create.container.env["PORT"], "20000");
});

test("planNode() never takes a name that exists", () => {
  const [first] = planModel([makeService()], [], true);
  const taken = makeInstance({ containerName: first?.containerName ?? "", service: "other", component: "x" });
  const [second] = planModel(
    [makeService(), makeService({ service: "other", components: [makeComponent({ name: "x" })] })],
    [taken],
    true,
  );
  assert.notEqual(second?.containerName, first?.containerName);
  assert.equal(applyOperation([], second ?? assert.fail()).length, 1);
});
