import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, boolean, constantFrom, integer, property, record } from "fast-check";
import { DesiredComponent, type InstanceReport, type InstanceState } from "#shared/contract/state.ts";
import { advanceDeployment, type DeploymentFacts, phaseLimitsMs } from "./advance-deployment.ts";

const component = DesiredComponent.parse({
  name: "web",
  image: "r/web:v1.0.0",
  specHash: "new",
  volumes: [],
  command: [],
  env: [],
  network: "mcpnet",
  restart: "no",
  strategy: "rolling",
  routes: [{ port: 443, mode: "l7", hostname: "web.test" }],
  healthCheck: {},
});

function instance(specHash: string, state: InstanceState, change: Partial<InstanceReport> = {}): InstanceReport {
  return {
    instance: `i-${specHash}`,
    service: "web",
    component: "web",
    revision: 1,
    specHash,
    deploymentId: "d",
    restartGeneration: 0,
    state,
    image: "r/web:v1.0.0",
    ports: {},
    ...change,
  };
}

function facts(change: Partial<DeploymentFacts>): DeploymentFacts {
  return {
    kind: "deploy",
    status: "starting",
    components: [component],
    baseline: {},
    deploymentId: "d",
    restartGeneration: 1,
    routesRevision: undefined,
    released: false,
    phaseAgeMs: 0,
    verified: false,
    instances: [],
    proxy: { appliedRevision: 0, problems: {}, draining: {} },
    ...change,
  };
}

const rows: readonly [string, Partial<DeploymentFacts>, string][] = [
  ["nothing reported yet", {}, "wait"],
  ["only the old version is healthy", { instances: [instance("old", "healthy")] }, "wait"],
  ["the new version starts", { instances: [instance("new", "starting")] }, "wait"],
  ["the new version is healthy", { instances: [instance("new", "healthy")] }, "route"],
  ["the new version failed", { instances: [instance("new", "failed")] }, "revert"],
  [
    "an earlier try of the same version failed",
    { instances: [instance("new", "failed", { deploymentId: "before" })] },
    "wait",
  ],
  ["the deadline passed", { phaseAgeMs: phaseLimitsMs.starting + 1 }, "revert"],
  ["restart: the container has not started anew", {
    kind: "restart",
    baseline: { "i-new": "t1" },
    instances: [instance("new", "healthy", { startedAt: "t1", restartGeneration: 0 })],
  }, "wait"],
  ["restart: the container has started anew", {
    kind: "restart",
    baseline: { "i-new": "t1" },
    instances: [instance("new", "healthy", { startedAt: "t1", restartGeneration: 1 })],
  }, "route"],
  ["no routes", { status: "routing" }, "drain"],
  ["the proxy is behind", { status: "routing", routesRevision: 5 }, "wait"],
  ["the proxy stays behind", { status: "routing", routesRevision: 5, phaseAgeMs: phaseLimitsMs.routing + 1 }, "revert"],
  ["stop does not wait for ever for the proxy", {
    kind: "stop",
    status: "routing",
    routesRevision: 5,
    phaseAgeMs: phaseLimitsMs.routing + 1,
  }, "drain"],
  ["the proxy has applied", {
    status: "routing",
    routesRevision: 5,
    proxy: { appliedRevision: 5, problems: {}, draining: {} },
  }, "verify"],
  ["the path is proven", {
    status: "routing",
    routesRevision: 5,
    verified: true,
    proxy: { appliedRevision: 6, problems: {}, draining: {} },
  }, "drain"],
  ["the proxy has a problem with our route", {
    status: "routing",
    routesRevision: 5,
    proxy: { appliedRevision: 5, problems: { "web.test:443": "no certificate" }, draining: {} },
  }, "revert"],
  ["the proxy has a problem with a foreign route", {
    status: "routing",
    routesRevision: 5,
    proxy: { appliedRevision: 5, problems: { "other.test:443": "no certificate" }, draining: {} },
  }, "verify"],
  ["requests are in flight to the old version", {
    status: "draining",
    instances: [instance("old", "healthy"), instance("new", "healthy")],
    proxy: { appliedRevision: 5, problems: {}, draining: { "i-old": 1 } },
  }, "wait"],
  ["requests stay in flight for too long", {
    status: "draining",
    phaseAgeMs: phaseLimitsMs.drainingRequests + 1,
    instances: [instance("old", "healthy")],
    proxy: { appliedRevision: 5, problems: {}, draining: { "i-old": 1 } },
  }, "release"],
  ["nothing is in flight", { status: "draining", instances: [instance("old", "healthy")] }, "release"],
  [
    "the old version is still there",
    { status: "draining", released: true, instances: [instance("old", "stopping")] },
    "wait",
  ],
  [
    "the old version is gone",
    { status: "draining", released: true, instances: [instance("new", "healthy")] },
    "succeed",
  ],
  ["stop: containers have stopped", {
    kind: "stop",
    status: "draining",
    released: true,
    instances: [instance("new", "stopped")],
  }, "succeed"],
  ["undeploy: stopped is not gone", {
    kind: "undeploy",
    status: "draining",
    released: true,
    instances: [instance("new", "stopped")],
  }, "wait"],
  ["revert: the new version is still there", { status: "reverting", instances: [instance("new", "failed")] }, "wait"],
  ["revert: only the old version is left", { status: "reverting", instances: [instance("old", "healthy")] }, "fail"],
  ["final", { status: "succeeded" }, "wait"],
];

for (const [name, change, expected] of rows) {
  test(`advanceDeployment() decides to ${expected}: ${name}`, () => {
    assert.equal(advanceDeployment(facts(change)).kind, expected);
  });
}

test("advanceDeployment() never routes to a version that is not healthy", () => {
  const anyInstance = record({
    hash: constantFrom("old", "new"),
    state: constantFrom<InstanceState>("pulling", "starting", "healthy", "unhealthy", "failed", "stopping", "stopped"),
  });
  check(
    property(
      array(anyInstance, { maxLength: 4 }),
      integer({ min: 0, max: 1_000_000 }),
      boolean(),
      (list, phaseAgeMs, verified) => {
        const instances = list.map(({ hash, state }) => instance(hash, state));
        const decision = advanceDeployment(facts({ instances, phaseAgeMs, verified }));
        if (decision.kind !== "route") return;
        assert.ok(instances.some(({ specHash, state }) => specHash === "new" && state === "healthy"));
        assert.ok(!instances.some(({ specHash, state }) => specHash === "new" && state === "failed"));
      },
    ),
  );
});
