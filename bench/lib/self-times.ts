import { z } from "zod";

/** The part of V8's `.cpuprofile` that tells where samples fell. */
const CpuProfile = z.object({
  nodes: z.array(z.object({
    id: z.int(),
    callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
  })),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

/** How much of the time a function took itself. */
export interface SelfTime {
  /** Name and place, such as `parseHead edge-proxy/http1/parse-head.ts:40`. */
  readonly label: string;
  /** Share of the time that was not idle. */
  readonly percent: number;
}

/** Where the time of a profile went, most first; idle time is left out. */
export function selfTimes(profile: unknown): readonly SelfTime[] {
  const { nodes, samples, timeDeltas } = CpuProfile.parse(profile);
  const labels = new Map(nodes.map(({ id, callFrame }) => [id, labelOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const label = labels.get(id) ?? "(unknown)";
    if (label !== "(idle)") times.set(label, (times.get(label) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([label, time]) => ({ label, percent: (time / total) * 100 })).sort((a, b) =>
    b.percent - a.percent
  );
}

function labelOf({ functionName, url, lineNumber }: z.output<typeof CpuProfile>["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name} ${url.replace(/^file:\/\/.*?\/(?=[^/]+\/[^/]+\/[^/]+$)/, "")}:${lineNumber + 1}`;
}
