import process from "node:process";
import { runHttpLoad } from "./h2load.ts";
import type { ProxyUnderTest } from "./proxy-stand.ts";
import { trendOf } from "./result.ts";

const slices = 10;
const warmUpSlices = 2;

/** What many requests did to a proxy's memory. */
export interface MemoryGrowth {
  /** Resident memory after the warm-up. */
  readonly warmMegabytes: number;
  /** Rise of the line through what was seen after it: what a leak would be, without what garbage does. */
  readonly growthMegabytes: number;
  readonly growthPercent: number;
}

/** Resident memory over `requests` requests, in ten slices of which the first two warm up. */
export async function measureGrowth({ name, port, server }: ProxyUnderTest, requests: number): Promise<MemoryGrowth> {
  const seen: number[] = [];
  for (let slice = 0; slice < slices; slice++) {
    await runHttpLoad({ port, path: "/1k", connections: 64, amount: { requests: Math.ceil(requests / slices) } });
    seen.push(await server.residentMegabytes());
    process.stderr.write(`${name}: ${seen.at(-1)} MB after ${(slice + 1) * Math.ceil(requests / slices)} requests\n`);
  }
  return growthOf(seen.slice(warmUpSlices - 1));
}

/** The growth in what was seen, of which the first is the end of the warm-up. */
export function growthOf(megabytes: readonly number[]): MemoryGrowth {
  const [warmMegabytes = NaN] = megabytes;
  const growthMegabytes = trendOf(megabytes);
  return { warmMegabytes, growthMegabytes, growthPercent: (growthMegabytes / warmMegabytes) * 100 };
}
