import type { ProxyReport } from "#shared/contract/state.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { createNotifier } from "#shared/lifecycle/queue.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";

/** What {@link startReporter} needs. */
export interface ReporterOptions {
  /** Sends one report; rejects when it was not taken. */
  readonly send: (report: ProxyReport, signal: AbortSignal) => Promise<unknown>;
  /** Receives failures. */
  readonly log: Log;
  /** Ends the reporter. */
  readonly signal: AbortSignal;
}

/** Sends reports until they are taken; a newer one replaces an older one that was not. */
export interface Reporter {
  /** Sends `report` unless the last one said the same. */
  update(report: ProxyReport): void;
  /** Resolves when the reporter has ended. */
  readonly done: Promise<void>;
}

/** A reporter that has nothing to say yet. */
export function startReporter(options: ReporterOptions): Reporter {
  const { signal, log } = options;
  const changed = createNotifier();
  const backoff = createBackoff({ minMs: 200, maxMs: 15_000 });
  let newest: ProxyReport | undefined;
  let newestText = "";
  let sentText = "";

  async function run(): Promise<void> {
    while (!signal.aborted) {
      if (newest === undefined || sentText === newestText) {
        await changed.wait(signal);
        continue;
      }
      const text = newestText;
      try {
        await options.send(newest, signal);
        sentText = text;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        const retryInMs = backoff.next();
        log.warn("cannot report, trying again", { error, retryInMs });
        await waitFor(retryInMs, signal);
      }
    }
  }

  return {
    update(report) {
      const text = JSON.stringify(report);
      if (text === newestText) return;
      newest = report;
      newestText = text;
      changed.notify();
    },
    done: run(),
  };
}
