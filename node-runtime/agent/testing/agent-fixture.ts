import type { DesiredService, InstanceReport, NodeReport } from "#shared/contract/state.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { type Agent, type AgentOptions, createAgent } from "../agent.ts";
import type { AgentPodman } from "../agent-ports.ts";
import { createInstanceNotes, type InstanceNotes } from "../instance-notes.ts";
import { modelPlatform } from "./model.ts";

/** A running agent with a control plane that keeps what it is told. */
export interface AgentFixture extends AsyncDisposable {
  readonly agent: Agent;
  /** Every report, oldest first. */
  readonly reports: NodeReport[];
  /** Heartbeats received. */
  readonly beats: () => number;
  /** The agent's memory: give it to the next fixture to restart the agent. */
  readonly notes: InstanceNotes;
  /** Sets what is desired, under the next revision. */
  desire(...services: DesiredService[]): void;
  /** The first report, newest considered, that satisfies the predicate; always one of the newest desired revision. */
  until(action: string, predicate: (instances: InstanceReport[]) => boolean): Promise<InstanceReport[]>;
}

/** Starts an agent on the given podman. */
export function startAgentFixture(podman: AgentPodman, more: Partial<AgentOptions> = {}): AgentFixture {
  const controller = new AbortController();
  const reports: NodeReport[] = [];
  const notes = more.notes ?? createInstanceNotes();
  let revision = 0;
  let beats = 0;
  const agent = createAgent({
    podman,
    platform: modelPlatform,
    log: silentLog,
    probe: () => Promise.resolve(undefined),
    controlPlane: {
      report: async (report) => void reports.push(report),
      heartbeat: async () => void beats++,
      sendLogs: () => Promise.resolve(),
    },
    healthTimings: { minRetryMs: 1, maxRetryMs: 5, intervalMs: 20 },
    holdMs: { minMs: 1, maxMs: 4 },
    ...more,
    notes,
  });
  const done = agent.run(controller.signal);
  return {
    agent,
    reports,
    beats: () => beats,
    notes,
    desire: (...services) => agent.apply({ revision: ++revision, services }),
    until(action, predicate) {
      const find = () => {
        const newest = reports.at(-1);
        return newest?.appliedRevision === revision && predicate(newest.instances) ? newest.instances : undefined;
      };
      return waitUntil(find, { action, timeoutMs: 20_000, intervalMs: 2 });
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await done;
    },
  };
}
