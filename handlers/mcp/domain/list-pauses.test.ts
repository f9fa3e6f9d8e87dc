import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "#shared/contract/mcp.ts";
import { DesiredComponent, type InstanceReport, type InstanceState } from "#shared/contract/state.ts";
import { listPauses, pauseKey } from "./list-pauses.ts";

function component(specHash: string, change: Record<string, unknown> = {}): DesiredComponent {
  return DesiredComponent.parse({
    name: "db",
    image: "r/db:v1.0.0",
    specHash,
    volumes: [],
    command: [],
    env: [],
    network: "mcpnet",
    restart: "no",
    strategy: "recreate",
    routes: [{ port: 443, mode: "l7", hostname: "db.test", pauseSeconds: 10 }],
    healthCheck: {},
    ...change,
  });
}

function instance([specHash, state]: readonly [string, InstanceState]): InstanceReport {
  return {
    instance: `i-${specHash}`,
    service: "db",
    component: "db",
    revision: 1,
    specHash,
    deploymentId: "d",
    state,
    image: "r/db:v1.0.0",
    ports: {},
  };
}

interface Case {
  readonly kind?: Deployment["kind"];
  readonly status?: Deployment["status"];
  readonly next?: DesiredComponent;
  readonly instances: readonly (readonly [string, InstanceState])[];
}

function pausesOf(
  { kind = "deploy", status = "starting", next = component("new"), instances }: Case,
): number | undefined {
  const open = { kind, status, components: [next] };
  const pauses = listPauses({ open, routed: [component("old")], instances: instances.map(instance) });
  return pauses.get(pauseKey("db", undefined));
}

const held: readonly (readonly [string, Case])[] = [
  ["the new instance is made, the old one not yet seen to stop", {
    instances: [["old", "healthy"], ["new", "starting"]],
  }],
  ["the old one stops", { instances: [["old", "stopping"]] }],
  ["the old one has stopped, the new one starts", { instances: [["old", "stopped"], ["new", "starting"]] }],
  ["the new one is healthy, but the routes still point to the old one", {
    instances: [["old", "stopped"], ["new", "healthy"]],
  }],
  ["the new one failed, and the old one comes back", { status: "reverting", instances: [["old", "starting"]] }],
  ["the only instance restarts in place", {
    kind: "restart",
    next: component("old", { strategy: "rolling" }),
    instances: [["old", "starting"]],
  }],
];

for (const [name, facts] of held) {
  test(`listPauses() holds requests: ${name}`, () => assert.equal(pausesOf(facts), 10));
}

const passing: readonly (readonly [string, Case])[] = [
  ["nothing was reported yet", { instances: [["old", "healthy"]] }],
  ["the image is pulled while the old one serves", { instances: [["old", "healthy"], ["new", "pulling"]] }],
  ["the new one could not be made, and the old one serves", { instances: [["old", "healthy"], ["new", "failed"]] }],
  ["the old one serves again", { status: "reverting", instances: [["old", "healthy"], ["new", "stopping"]] }],
  ["the routes point to the new one", { status: "routing", instances: [["new", "healthy"]] }],
  ["instances are replaced one beside the other", {
    next: component("new", { strategy: "rolling" }),
    instances: [["old", "healthy"], ["new", "starting"]],
  }],
  ["only the routes change", { next: component("old"), instances: [["old", "healthy"]] }],
  ["the restart has not begun", { kind: "restart", next: component("old"), instances: [["old", "healthy"]] }],
  ["the service is taken down", { kind: "stop", instances: [["old", "stopping"]] }],
];

for (const [name, facts] of passing) {
  test(`listPauses() holds nothing: ${name}`, () => assert.equal(pausesOf(facts), undefined));
}

test("listPauses() holds nothing without a deployment, and nothing of routes that want no pause", () => {
  const routed = [component("old")];
  assert.equal(listPauses({ open: undefined, routed, instances: [instance(["old", "starting"])] }).size, 0);
  const next = component("new", { routes: [{ port: 443, mode: "l7", hostname: "db.test" }] });
  assert.equal(pausesOf({ next, instances: [["old", "stopped"]] }), undefined);
});
