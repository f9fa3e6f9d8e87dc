import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { InstanceReport, NodeReport } from "#shared/contract/state.ts";
import type { Operation } from "./domain/operation.ts";

/** Counters of an agent. */
export interface AgentMetrics {
  /** Counts an operation. */
  countOperation(operation: Operation, outcome: "done" | "failed", durationMs: number): void;
  /** All metrics in the Prometheus text format. */
  render(report: NodeReport): Promise<string>;
}

const states: readonly InstanceReport["state"][] = [
  "pulling",
  "starting",
  "healthy",
  "unhealthy",
  "failed",
  "stopping",
  "stopped",
];

/** Metrics in a registry of their own. */
export function createMetrics(): AgentMetrics {
  const registry = new Registry();
  const registers = [registry];
  const operations = new Counter({
    name: "mcp_agent_operations_total",
    help: "Operations carried out, by kind and outcome",
    labelNames: ["kind", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "mcp_agent_operation_seconds",
    help: "Time that operations took, by kind",
    labelNames: ["kind"],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    registers,
  });
  const instances = new Gauge({
    name: "mcp_agent_instances",
    help: "Instances, by state",
    labelNames: ["state"],
    registers,
  });
  const revision = new Gauge({ name: "mcp_agent_applied_revision", help: "Feed revision that is applied", registers });
  return {
    countOperation({ kind }, outcome, durationMs) {
      operations.inc({ kind, outcome });
      durations.observe({ kind }, durationMs / 1000);
    },
    async render(report) {
      for (const state of states) {
        instances.set(
          { state },
          report.instances.filter((one) => one.state === state).length,
        );
      }
      revision.set(report.appliedRevision);
      return await registry.metrics();
    },
  };
}
