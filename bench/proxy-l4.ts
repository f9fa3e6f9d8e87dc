import process from "node:process";
import { runHttpLoad, waitForHttps } from "./lib/h2load.ts";
import { measureLoad } from "./lib/measure-load.ts";
import { startL4Peers } from "./lib/proxy-peers.ts";
import { bigMegabytes, openProxyStand, type ProxyUnderTest, startOurProxy } from "./lib/proxy-stand.ts";
import { type BenchResult, type Figures, runPaired, toComparison } from "./lib/result.ts";

const rounds = 3;
const isHigherBetter = {
  requestsPerSecond: true,
  cpuUsPerRequest: false,
  connectionsPerSecond: true,
  cpuUsPerConnection: false,
  bulkMegabytesPerSecond: true,
  cpuUsPerMegabyte: false,
};

/** TLS passed through by SNI to a backend that terminates it, beside nginx (`ssl_preread`) and HAProxy (`mode tcp`). */
export async function measure(): Promise<BenchResult> {
  await using stand = await openProxyStand();
  const proxies = [await startOurProxy(stand, "l4"), ...await startL4Peers(stand)];
  for (const { port } of proxies) await waitForHttps(port, "/1k");
  const contenders = proxies.map((proxy) => ({ name: proxy.name, run: () => runOnce(proxy) }));
  const figures = await runPaired(contenders, rounds);
  return { bench: "proxy-l4", unit: "1/s, MB/s and µs", ...toComparison(figures, isHigherBetter) };
}

async function runOnce({ name, port, server }: ProxyUnderTest): Promise<Figures> {
  const small = { port, path: "/1k" };
  const kept = await measureLoad(server, () => runHttpLoad({ ...small, connections: 64, amount: { seconds: 4 } }));
  const opened = await measureLoad(
    server,
    () => runHttpLoad({ ...small, connections: 32, amount: { requests: 2_000 }, closes: true }),
  );
  const bulk = await measureLoad(
    server,
    () => runHttpLoad({ port, path: "/big", connections: 4, amount: { requests: 12 } }),
  );
  const megabytesPerSecond = bulk.rate * bigMegabytes;
  process.stderr.write(
    `${name}: ${Math.round(kept.rate)} requests/s, ${Math.round(opened.rate)} connections/s, ` +
      `${Math.round(megabytesPerSecond)} MB/s\n`,
  );
  return {
    requestsPerSecond: kept.rate,
    cpuUsPerRequest: kept.cpuUs,
    connectionsPerSecond: opened.rate,
    cpuUsPerConnection: opened.cpuUs,
    bulkMegabytesPerSecond: megabytesPerSecond,
    cpuUsPerMegabyte: bulk.cpuUs / bigMegabytes,
  };
}
