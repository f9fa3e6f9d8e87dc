import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthCheck } from "#shared/contract/state.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { ObservedInstance } from "./domain/observed-instance.ts";
import { createHealthWatch } from "./health-watch.ts";
import { createProbe } from "./probe.ts";

const instance: ObservedInstance = {
  containerId: "c1",
  containerName: "web-i1",
  service: "web",
  component: "web",
  instance: "i1",
  revision: 1,
  specHash: "h",
  deploymentId: "d1",
  image: "mcr.test/web:v1.0.0",
  ports: { "": 10_000 },
  // As a control plane of an earlier version may send it.
  healthCheck: { ...HealthCheck.parse({ timeoutSeconds: 1 }), path: "/is it well" },
  restart: "always",
  restartGeneration: 0,
  state: "running",
  exitCode: 0,
  startedAt: "2026-01-01T00:00:00Z",
  stoppedByAgent: false,
  health: "starting",
  awaitsJudgement: false,
  failure: undefined,
};

test("createHealthWatch() takes a probe that cannot be sent for a bad answer", { timeout: 20_000 }, async () => {
  const reasons: string[] = [];
  const watch = createHealthWatch({
    probe: createProbe({ settleMs: 1 }),
    timings: { minRetryMs: 5, maxRetryMs: 10, intervalMs: 10 },
    events: {
      onHealthy: () => {},
      onSteady: () => {},
      onUnhealthy: () => {},
      onTimeout: (_instance, reason) => void reasons.push(reason),
    },
  });
  watch.watch([instance]);
  const reason = await waitUntil(() => reasons[0], { action: "see the timeout", timeoutMs: 10_000, intervalMs: 5 });
  watch.stop();
  assert.match(reason, /unescaped characters/);
});
