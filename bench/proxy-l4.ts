import { compareProxies } from "./lib/compare-proxies.ts";
import { runHttpLoad } from "./lib/h2load.ts";
import { measureLoad } from "./lib/measure-load.ts";
import type { BenchOptions } from "./lib/options.ts";
import { bigMegabytes, type ProxyUnderTest } from "./lib/proxy-stand.ts";
import type { BenchResult, Figures } from "./lib/result.ts";
import { type Scale, scaleOf } from "./lib/scale.ts";

const metrics = {
  requestsPerSecond: "higher",
  cpuUsPerRequest: "lower",
  busyPercent: "information",
  connectionsPerSecond: "higher",
  cpuUsPerConnection: "lower",
  bulkMegabytesPerSecond: "higher",
  cpuUsPerMegabyte: "lower",
} as const;

const bars = ["nginx", "haproxy"].flatMap((peer) => [
  { ratio: `${peer}.requestsPerSecond`, atLeast: 1 },
  { ratio: `${peer}.bulkMegabytesPerSecond`, atLeast: 1 },
  { ratio: `${peer}.connectionsPerSecond`, atLeast: 0.95 },
]);

/** TLS passed through by SNI to a backend that terminates it, beside nginx (`ssl_preread`) and HAProxy (`mode tcp`). */
export function measure(options: BenchOptions): Promise<BenchResult> {
  const scale = scaleOf(options);
  return compareProxies({
    bench: "proxy-l4",
    unit: "1/s, MB/s and µs",
    mode: "l4",
    metrics,
    bars,
    runOnce: ({ port, server }) => runOnce({ port, server }, scale),
    async ceiling({ httpsPort: port }) {
      const { kept, opened, bulk } = toLoads(port, scale);
      return {
        requestsPerSecond: (await runHttpLoad(kept)).unitsPerSecond,
        connectionsPerSecond: (await runHttpLoad(opened)).unitsPerSecond,
        bulkMegabytesPerSecond: (await runHttpLoad(bulk)).unitsPerSecond * bigMegabytes,
      };
    },
  }, options);
}

function toLoads(port: number, { seconds, newConnections, bigFiles }: Scale) {
  return {
    kept: { port, path: "/1k", connections: 64, amount: { seconds } },
    opened: { port, path: "/empty", connections: 32, amount: { requests: newConnections }, closes: true },
    bulk: { port, path: "/big", connections: 4, amount: { requests: bigFiles } },
  };
}

async function runOnce({ port, server }: Pick<ProxyUnderTest, "port" | "server">, scale: Scale): Promise<Figures> {
  const loads = toLoads(port, scale);
  const kept = await measureLoad(server, () => runHttpLoad(loads.kept));
  const opened = await measureLoad(server, () => runHttpLoad(loads.opened));
  const bulk = await measureLoad(server, () => runHttpLoad(loads.bulk));
  return {
    requestsPerSecond: kept.rate,
    cpuUsPerRequest: kept.cpuUs,
    busyPercent: kept.busyPercent,
    connectionsPerSecond: opened.rate,
    cpuUsPerConnection: opened.cpuUs,
    bulkMegabytesPerSecond: bulk.rate * bigMegabytes,
    cpuUsPerMegabyte: bulk.cpuUs / bigMegabytes,
  };
}
