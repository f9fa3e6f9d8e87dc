import type { Background } from "./processes.ts";

/** What a load generator saw. */
export interface LoadOutcome {
  /** Requests, queries or megabytes that were served. */
  readonly units: number;
  readonly unitsPerSecond: number;
}

/** What a server did under load, and what that cost it. */
export interface LoadCost<T extends LoadOutcome> {
  readonly rate: number;
  /** Microseconds of processor time for a unit. */
  readonly cpuUs: number;
  /** How much of its core it used, in percent: well below 100 something else was the bottleneck. */
  readonly busyPercent: number;
  /** All that the load generator saw. */
  readonly outcome: T;
}

/** Runs a load against a server and takes the server's processor time. */
export async function measureLoad<T extends LoadOutcome>(
  server: Background,
  load: () => Promise<T>,
): Promise<LoadCost<T>> {
  const before = await server.cpuSeconds();
  const outcome = await load();
  const usedSeconds = await server.cpuSeconds() - before;
  const cpuUs = (usedSeconds * 1e6) / outcome.units;
  const rate = outcome.unitsPerSecond;
  return { rate, cpuUs, busyPercent: (cpuUs * rate) / 1e4, outcome };
}
