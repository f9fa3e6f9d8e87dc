import { compareProxies } from "./lib/compare-proxies.ts";
import { type HttpLoad, runHttpLoad } from "./lib/h2load.ts";
import { measureLoad } from "./lib/measure-load.ts";
import type { BenchOptions } from "./lib/options.ts";
import type { ProxyStand, ProxyUnderTest } from "./lib/proxy-stand.ts";
import type { BenchResult, Figures } from "./lib/result.ts";
import { scaleOf } from "./lib/scale.ts";

const metrics = {
  requestsPerSecond: "higher",
  p50Ms: "lower",
  p99Ms: "lower",
  cpuUsPerRequest: "lower",
  busyPercent: "information",
  downloads64kPerSecond: "higher",
  cpuUsPerDownload64k: "lower",
  uploads64kPerSecond: "higher",
  cpuUsPerUpload64k: "lower",
} as const;

const bars = [
  { ratio: "nginx.requestsPerSecond", atLeast: 1 },
  { ratio: "haproxy.requestsPerSecond", atLeast: 0.95 },
  { ratio: "caddy.requestsPerSecond", atLeast: 1.8 },
  // At most 1.2 times nginx's.
  { ratio: "nginx.p99Ms", atLeast: 0.83 },
  { ratio: "nginx.downloads64kPerSecond", atLeast: 0.9 },
  { ratio: "nginx.uploads64kPerSecond", atLeast: 0.9 },
] as const;

/** HTTP/1.1 over 64 kept TLS connections, beside nginx, HAProxy and Caddy: answers of 1 KiB, and 64 KiB in each direction. */
export function measure(options: BenchOptions): Promise<BenchResult> {
  const { seconds } = scaleOf(options);
  const load = { path: "/1k", connections: 64, amount: { seconds } };
  return compareProxies({
    bench: "proxy-l7",
    unit: "1/s, ms and µs",
    mode: "l7",
    metrics,
    bars,
    runOnce: (proxy, stand) => runOnce(proxy, stand, load),
    ceiling: async ({ httpPort: port }) => ({
      requestsPerSecond: (await runHttpLoad({ ...load, port, isPlain: true })).unitsPerSecond,
    }),
  }, options);
}

async function runOnce(
  { port, server }: ProxyUnderTest,
  { uploadPath }: ProxyStand,
  load: Omit<HttpLoad, "port">,
): Promise<Figures> {
  const small = await measureLoad(server, () => runHttpLoad({ ...load, port }));
  const down = await measureLoad(server, () => runHttpLoad({ ...load, port, path: "/64k" }));
  const up = await measureLoad(server, () => runHttpLoad({ ...load, port, path: "/sink", uploadPath }));
  return {
    requestsPerSecond: small.rate,
    p50Ms: small.outcome.p50Ms,
    p99Ms: small.outcome.p99Ms,
    cpuUsPerRequest: small.cpuUs,
    busyPercent: small.busyPercent,
    downloads64kPerSecond: down.rate,
    cpuUsPerDownload64k: down.cpuUs,
    uploads64kPerSecond: up.rate,
    cpuUsPerUpload64k: up.cpuUs,
  };
}
