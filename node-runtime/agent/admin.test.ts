import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdmin } from "./admin.ts";
import { createMetrics } from "./metrics.ts";

test("GET /v1/plan names the variables of a container and keeps their values to itself", async () => {
  const target = { service: "web", component: "web", instance: "i1", containerName: "web-i1" };
  const container = {
    name: "web-i1",
    image: "mcr.test/web:v1.0.0",
    labels: {},
    env: { PORT: "10000", DB_PASSWORD: "hunter2" },
    command: [],
    mounts: [],
    ports: [],
    network: "mcpnet",
  };
  const admin = createAdmin({
    agent: {
      plan: async () => [{ kind: "create", ...target, container, ports: {} }],
      report: () => ({ appliedRevision: 0, instances: [] }),
    },
    metrics: createMetrics(),
    ping: async () => {},
  });
  const text = await (await admin.fetch(new Request("http://admin/v1/plan"))).text();
  assert.doesNotMatch(text, /hunter2/);
  assert.deepEqual(JSON.parse(text).operations[0].container.env, ["PORT", "DB_PASSWORD"]);
});
