import { isDeepStrictEqual } from "node:util";
import type { NodeReport } from "#shared/contract/state.ts";
import { createNotifier } from "#shared/lifecycle/queue.ts";
import { runLoop } from "#shared/lifecycle/run-loop.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import type { ControlPlane } from "./agent-ports.ts";

/** What {@link createReporter} needs. */
export interface ReporterOptions {
  readonly controlPlane: ControlPlane;
  /** The report of this moment; `undefined` while nothing is known yet. */
  readonly build: () => NodeReport | undefined;
  readonly log: Log;
  /** Milliseconds between heartbeats; 5,000 unless given. */
  readonly heartbeatMs?: number;
}

/** Tells the control plane what runs. */
export interface Reporter {
  /** Something may have changed. Changes while a report travels go into the next one: the latest wins. */
  notify(): void;
  /** Sends reports and heartbeats until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** A reporter that has sent nothing. */
export function createReporter(options: ReporterOptions): Reporter {
  const notifier = createNotifier();
  const { controlPlane, log } = options;
  let sent: NodeReport | undefined;

  async function reportOnce(signal: AbortSignal): Promise<void> {
    const changed = notifier.wait(signal);
    const report = options.build();
    if (report !== undefined && !isDeepStrictEqual(report, sent)) {
      await controlPlane.report(report, signal);
      sent = report;
    }
    await changed;
  }
  async function beatOnce(signal: AbortSignal): Promise<void> {
    await controlPlane.heartbeat(signal);
    await waitFor(options.heartbeatMs ?? 5_000, signal);
  }
  return {
    notify: () => notifier.notify(),
    async run(signal) {
      const bounds = { log, signal, minMs: 100, maxMs: 5_000 };
      await Promise.all([
        runLoop(reportOnce, { name: "report", ...bounds }),
        runLoop(beatOnce, { name: "heartbeat", ...bounds }),
      ]);
    },
  };
}
