import { judgeBars } from "./lib/bars.ts";
import { measureIdleMemory } from "./lib/idle-memory.ts";
import { measureGrowth } from "./lib/memory-growth.ts";
import type { BenchOptions } from "./lib/options.ts";
import { benchRoute, startOurProxy } from "./lib/our-proxy.ts";
import { findBenchPort } from "./lib/processes.ts";
import { openProfile } from "./lib/profile.ts";
import { startL7Peers } from "./lib/proxy-peers.ts";
import { openProxyStand } from "./lib/proxy-stand.ts";
import { type BenchResult, toThreeDigits } from "./lib/result.ts";

/** Memory is warm after about 200,000 requests, which is a fifth of these; the growth over fewer says nothing. */
const requestsToJudge = 1_000_000;

const bars = [
  { ours: "idleKilobytesPerConnection", atMost: 40 },
  { ours: "growthPercent", atMost: 3 },
] as const;

/**
 * Memory: what 10,000 idle TLS connections take, beside nginx, HAProxy and Caddy; and whether 1,000,000 requests leave more behind
 * than the first fifth of them did.
 */
export async function measure(options: BenchOptions): Promise<BenchResult> {
  await using profile = options.isProfiled ? await openProfile("proxy-soak") : undefined;
  await using stand = await openProxyStand();
  const amounts = options.isQuick
    ? { idleConnections: 500, idleConnectionsOfPeers: 500, requests: 50_000 }
    // HAProxy takes two descriptors for each, and 20,000 are often all there are.
    : { idleConnections: 10_000, idleConnectionsOfPeers: 5_000, requests: options.requests };
  const run = { runtime: options.runtime, ...(profile === undefined ? {} : { profileFolder: profile.folder }) };
  const ours = await startAnew("ours");
  const peers = profile === undefined ? await startL7Peers(stand) : [];
  const idle: Record<string, number> = {};
  for (const proxy of [ours, ...peers]) {
    const count = proxy === ours ? amounts.idleConnections : amounts.idleConnectionsOfPeers;
    idle[proxy.name] = toThreeDigits(await measureIdleMemory(proxy, count));
  }
  const ratioTo = (name: string) => toThreeDigits((idle[name] ?? NaN) / (idle[ours.name] ?? NaN));
  // What those connections have left behind would hide it.
  await ours.server[Symbol.asyncDispose]();
  const growth = await measureGrowth(await startAnew("anew"), amounts.requests);
  const figures = Object.entries(growth).map(([name, value]) => [name, toThreeDigits(value)]);
  const measured = {
    ours: { idleKilobytesPerConnection: idle[ours.name] ?? NaN, ...Object.fromEntries(figures) },
    ratios: Object.fromEntries(peers.map(({ name }) => [`${name}.idleKilobytesPerConnection`, ratioTo(name)])),
  };
  return {
    bench: "proxy-soak",
    unit: "KB, MB and %",
    ...measured,
    peers: Object.fromEntries(peers.map(({ name }) => [name, { idleKilobytesPerConnection: idle[name] ?? NaN }])),
    run: { runtime: options.runtime, quick: options.isQuick, ...amounts },
    bars: judgeBars(
      amounts.requests < requestsToJudge ? bars.filter((bar) => bar.ours !== "growthPercent") : bars,
      measured,
    ),
  };

  async function startAnew(name: string) {
    const port = await findBenchPort();
    return await startOurProxy(stand, { port, routes: [benchRoute(stand, "l7", port)], run, name });
  }
}
