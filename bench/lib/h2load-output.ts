import { percentile } from "./result.ts";

/** What h2load says about a run. */
export interface H2loadSummary {
  /** Requests that were answered with 2xx or 3xx and are complete. */
  readonly succeeded: number;
  /** Requests without an answer, with half of one, or with one that is not 2xx. */
  readonly failed: number;
  readonly perSecond: number;
  /** The protocol that was agreed on, such as `h2`. */
  readonly protocol: string | undefined;
  /** The lines that say so, for messages. */
  readonly text: string;
}

/** The summary in what h2load prints; `undefined` when there is none. What is under way when a timed run ends is not counted. */
export function parseH2loadOutput(output: string): H2loadSummary | undefined {
  const [, perSecond] = /finished in \S+, ([\d.]+) req\/s/.exec(output) ?? [];
  const requests = /requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
  const codes = /status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output);
  if (perSecond === undefined || requests === null || codes === null) return undefined;
  const [succeeded = 0, failed = 0, errored = 0, timedOut = 0] = requests.slice(1).map(Number);
  const otherCodes = codes.slice(1).map(Number).reduce((sum, count) => sum + count, 0);
  const text = output.split("\n").filter((line) => /^(finished|requests|status codes)/.test(line)).join("; ");
  const [, protocol] = /Application protocol: (\S+)/.exec(output) ?? [];
  // An answer of 4xx or 5xx is among the failed ones as well.
  return {
    succeeded,
    failed: Math.max(failed, otherCodes) + errored + timedOut,
    perSecond: Number(perSecond),
    protocol,
    text,
  };
}

/** Percentiles, in milliseconds, of the third column of h2load's `--log-file` (start, status, microseconds). */
export function parseH2loadLog(log: string): { readonly p50Ms: number; readonly p99Ms: number } {
  const times = log.split("\n").filter((line) => line !== "").map((line) => Number(line.split("\t")[2]) / 1000);
  return { p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) };
}
