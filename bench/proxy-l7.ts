import process from "node:process";
import { runHttpLoad, waitForHttps } from "./lib/h2load.ts";
import { measureLoad } from "./lib/measure-load.ts";
import { startL7Peers } from "./lib/proxy-peers.ts";
import { openProxyStand, type ProxyUnderTest, startOurProxy } from "./lib/proxy-stand.ts";
import { type BenchResult, type Figures, runPaired, toComparison } from "./lib/result.ts";

const rounds = 3;
const isHigherBetter = {
  requestsPerSecond: true,
  cpuUsPerRequest: false,
  connectionsPerSecond: true,
  cpuUsPerConnection: false,
};

/** Requests for 1 KB over kept TLS connections, and new TLS connections with one request each, beside nginx, HAProxy and Caddy. */
export async function measure(): Promise<BenchResult> {
  await using stand = await openProxyStand();
  const proxies = [await startOurProxy(stand, "l7"), ...await startL7Peers(stand)];
  for (const { port } of proxies) await waitForHttps(port, "/1k");
  const contenders = proxies.map((proxy) => ({ name: proxy.name, run: () => runOnce(proxy) }));
  const figures = await runPaired(contenders, rounds);
  return { bench: "proxy-l7", unit: "1/s and µs", ...toComparison(figures, isHigherBetter) };
}

async function runOnce({ name, port, server }: ProxyUnderTest): Promise<Figures> {
  const target = { port, path: "/1k" };
  const kept = await measureLoad(server, () => runHttpLoad({ ...target, connections: 64, amount: { seconds: 4 } }));
  const opened = await measureLoad(
    server,
    () => runHttpLoad({ ...target, connections: 32, amount: { requests: 2_000 }, closes: true }),
  );
  process.stderr.write(`${name}: ${Math.round(kept.rate)} requests/s, ${Math.round(opened.rate)} connections/s\n`);
  return {
    requestsPerSecond: kept.rate,
    cpuUsPerRequest: kept.cpuUs,
    connectionsPerSecond: opened.rate,
    cpuUsPerConnection: opened.cpuUs,
  };
}
