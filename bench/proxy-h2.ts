import { PlatformError } from "#shared/errors/platform-error.ts";
import { compareProxies } from "./lib/compare-proxies.ts";
import { runHttpLoad } from "./lib/h2load.ts";
import { measureLoad } from "./lib/measure-load.ts";
import type { BenchOptions } from "./lib/options.ts";
import type { BenchResult } from "./lib/result.ts";
import { scaleOf } from "./lib/scale.ts";

const metrics = {
  requestsPerSecond: "higher",
  p50Ms: "lower",
  p99Ms: "lower",
  cpuUsPerRequest: "lower",
  busyPercent: "information",
} as const;

const bars = [
  { ratio: "nginx.requestsPerSecond", atLeast: 1 },
  { ratio: "caddy.requestsPerSecond", atLeast: 1.5 },
] as const;

/**
 * HTTP/2 on 16 connections with 16 streams each and answers of 1 KiB, beside nginx, HAProxy and Caddy.
 *
 * @throws {PlatformError} invalid-usage — on Deno, where HTTP/2 is not offered; upstream-failed — when a proxy does not agree on h2
 */
export async function measure(options: BenchOptions): Promise<BenchResult> {
  if (options.runtime === "deno") {
    throw new PlatformError("invalid-usage", "Cannot measure HTTP/2 on Deno: our proxy does not offer it there");
  }
  const { seconds } = scaleOf(options);
  const load = { path: "/1k", connections: 16, amount: { seconds } };
  return await compareProxies({
    bench: "proxy-h2",
    unit: "1/s, ms and µs",
    mode: "l7",
    metrics,
    bars,
    async runOnce({ port, server }) {
      const h2 = { ...load, port, protocol: "h2", streams: 16 } as const;
      const { rate, cpuUs, busyPercent, outcome } = await measureLoad(server, () => runHttpLoad(h2));
      const { p50Ms, p99Ms } = outcome;
      return { requestsPerSecond: rate, p50Ms, p99Ms, cpuUsPerRequest: cpuUs, busyPercent };
    },
    ceiling: async ({ httpPort: port }) => ({
      requestsPerSecond: (await runHttpLoad({ ...load, port, isPlain: true })).unitsPerSecond,
    }),
  }, options);
}
