import process from "node:process";
import type { RouteMode } from "#shared/contract/route.ts";
import { type Bar, judgeBars } from "./bars.ts";
import type { BenchOptions } from "./options.ts";
import { benchRoute, startOurProxy } from "./our-proxy.ts";
import { findBenchPort } from "./processes.ts";
import { openProfile } from "./profile.ts";
import { startL4Peers, startL7Peers } from "./proxy-peers.ts";
import { openProxyStand, type ProxyStand, type ProxyUnderTest } from "./proxy-stand.ts";
import { type BenchResult, type Direction, type Figures, runPaired, toComparison, toThreeDigits } from "./result.ts";

/** A benchmark of our proxy beside its peers on one stand. */
export interface ProxyComparison {
  readonly bench: string;
  readonly unit: string;
  readonly mode: RouteMode;
  readonly metrics: Readonly<Record<string, Direction>>;
  readonly bars: readonly Bar[];
  /** Measures one proxy once. */
  readonly runOnce: (proxy: ProxyUnderTest, stand: ProxyStand) => Promise<Figures>;
  /** What load generator and backend reach without a proxy. */
  readonly ceiling: (stand: ProxyStand) => Promise<Figures>;
}

/** Starts ours and the peers, measures them in turn, and judges the bars; with a profile, ours alone. */
export async function compareProxies(comparison: ProxyComparison, options: BenchOptions): Promise<BenchResult> {
  const { bench, unit, mode, metrics, bars } = comparison;
  await using profile = options.isProfiled ? await openProfile(bench) : undefined;
  await using stand = await openProxyStand();
  const run = { runtime: options.runtime, ...(profile === undefined ? {} : { profileFolder: profile.folder }) };
  const port = await findBenchPort();
  const ours = await startOurProxy(stand, { port, routes: [benchRoute(stand, mode, port)], run });
  const peers = profile !== undefined ? [] : await (mode === "l4" ? startL4Peers(stand) : startL7Peers(stand));
  const ceiling = await comparison.ceiling(stand);
  const contenders = [ours, ...peers].map((proxy) => ({
    name: proxy.name,
    async run() {
      const figures = await comparison.runOnce(proxy, stand);
      process.stderr.write(`${proxy.name}: ${toLine(figures)}\n`);
      return figures;
    },
  }));
  const compared = toComparison(await runPaired(contenders, options.rounds), metrics);
  return {
    bench,
    unit,
    ...compared,
    ceiling: Object.fromEntries(Object.entries(ceiling).map(([name, value]) => [name, toThreeDigits(value)])),
    run: { runtime: options.runtime, rounds: options.rounds, quick: options.isQuick },
    bars: judgeBars(bars, compared),
  };
}

function toLine(figures: Figures): string {
  return Object.entries(figures).map(([name, value]) => `${name} ${toThreeDigits(value)}`).join(", ");
}
