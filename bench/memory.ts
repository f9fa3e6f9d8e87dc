import { waitFor } from "#shared/lifecycle/wait.ts";
import { startPlatform } from "../tests/platform/harness.ts";
import { residentMegabytes } from "./lib/processes.ts";
import type { BenchResult } from "./lib/result.ts";

/** Resident memory of each program once the platform has been idle for a while. Targets: agent below 80 MB, all below 300 MB. */
export async function measure(): Promise<BenchResult> {
  await using platform = await startPlatform();
  await waitFor(20_000);
  const ours: Record<string, number> = {};
  for (const program of ["server", "proxy", "dns", "agent"] as const) {
    ours[program] = await residentMegabytes(await platform.pidOf(program));
  }
  ours["all"] = Math.round(Object.values(ours).reduce((sum, megabytes) => sum + megabytes, 0) * 10) / 10;
  return { bench: "memory", unit: "MB", ours, peers: {}, ratios: {} };
}
