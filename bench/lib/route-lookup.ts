import process from "node:process";
import { runHttpLoad } from "./h2load.ts";
import { measureLoad } from "./measure-load.ts";
import type { BenchOptions } from "./options.ts";
import { manyRoutes, startOurProxy } from "./our-proxy.ts";
import { findBenchPort } from "./processes.ts";
import type { ProxyUnderTest } from "./proxy-stand.ts";
import { type BenchResult, type Figures, runPaired, toComparison } from "./result.ts";
import type { Setting } from "./route-changes.ts";
import { scaleOf } from "./scale.ts";

const metrics = {
  requestsPerSecond: "higher",
  cpuUsPerRequest: "lower",
  connectionsPerSecond: "higher",
  cpuUsPerConnection: "lower",
  residentMegabytes: "information",
} as const;

/** Our proxy with many routes, as `ours`, beside our proxy with 10 routes, as the peer `routes10`. */
export async function measureLookup(
  { stand, run, options }: Setting,
  count: number,
): Promise<Pick<BenchResult, "ours" | "peers" | "ratios" | "spreads">> {
  const proxies: ProxyUnderTest[] = [];
  for (const [name, routes] of [["ours", count], ["routes10", 10]] as const) {
    const port = await findBenchPort();
    proxies.push(await startOurProxy(stand, { port, routes: manyRoutes(stand, port, routes), run, name }));
  }
  const contenders = proxies.map((proxy) => ({ name: proxy.name, run: () => runOnce(proxy, options) }));
  return toComparison(await runPaired(contenders, options.rounds), metrics);
}

async function runOnce({ name, port, server }: ProxyUnderTest, options: BenchOptions): Promise<Figures> {
  const { seconds, newConnections } = scaleOf(options);
  const keptLoad = { port, path: "/1k", connections: 64, amount: { seconds } };
  const openedLoad = { port, path: "/empty", connections: 16, amount: { requests: newConnections }, closes: true };
  const kept = await measureLoad(server, () => runHttpLoad(keptLoad));
  const opened = await measureLoad(server, () => runHttpLoad(openedLoad));
  const label = name === "ours" ? "many routes" : "10 routes";
  process.stderr.write(`${label}: ${Math.round(kept.rate)} requests/s, ${Math.round(opened.rate)} connections/s\n`);
  return {
    requestsPerSecond: kept.rate,
    cpuUsPerRequest: kept.cpuUs,
    connectionsPerSecond: opened.rate,
    cpuUsPerConnection: opened.cpuUs,
    residentMegabytes: await server.residentMegabytes(),
  };
}
