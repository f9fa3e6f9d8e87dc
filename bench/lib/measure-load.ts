import type { Background } from "./processes.ts";

/** What a load generator saw. */
export interface LoadOutcome {
  /** Requests, queries or megabytes that were served. */
  readonly units: number;
  readonly unitsPerSecond: number;
}

/** What a server did under load, and what a unit cost it in microseconds of processor time. */
export async function measureLoad(
  server: Background,
  load: () => Promise<LoadOutcome>,
): Promise<{ readonly rate: number; readonly cpuUs: number }> {
  const before = await server.cpuSeconds();
  const { units, unitsPerSecond } = await load();
  const usedSeconds = await server.cpuSeconds() - before;
  return { rate: unitsPerSecond, cpuUs: (usedSeconds * 1e6) / units };
}
