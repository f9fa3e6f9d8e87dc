import { judgeBars } from "./lib/bars.ts";
import type { BenchOptions } from "./lib/options.ts";
import { openProfile } from "./lib/profile.ts";
import { openProxyStand } from "./lib/proxy-stand.ts";
import type { BenchResult } from "./lib/result.ts";
import { measureChanges } from "./lib/route-changes.ts";
import { measureLookup } from "./lib/route-lookup.ts";

const changesPerSecond = 100;

const bars = [
  { ours: "failedRequests", atMost: 0 },
  { ours: "p99Growth", atMost: 1.5 },
  // Flat: what is left below 1 is noise.
  { ratio: "routes10.requestsPerSecond", atLeast: 0.95 },
  { ratio: "routes10.connectionsPerSecond", atLeast: 0.95 },
] as const;

/**
 * What changes cost those who are served: requests for one route while 10,000 change at 100/s, against the same proxy in quiet; and
 * what many routes cost: 100,000 against 10. There is no peer: rivals are started anew with a new configuration.
 */
export async function measure(options: BenchOptions): Promise<BenchResult> {
  await using profile = options.isProfiled ? await openProfile("proxy-reload") : undefined;
  await using stand = await openProxyStand();
  const run = { runtime: options.runtime, ...(profile === undefined ? {} : { profileFolder: profile.folder }) };
  const counts = options.isQuick ? { changing: 1_000, many: 10_000 } : { changing: 10_000, many: 100_000 };
  const setting = { stand, run, options };
  const changing = await measureChanges(setting, { count: counts.changing, perSecond: changesPerSecond });
  // A profile is of the changes alone.
  const lookup = profile === undefined
    ? await measureLookup(setting, counts.many)
    : { ours: {}, peers: {}, ratios: {} };
  const measured = { ...lookup, ours: { ...lookup.ours, ...changing } };
  return {
    bench: "proxy-reload",
    unit: "1/s, ms, µs and MB",
    ...measured,
    run: {
      runtime: options.runtime,
      rounds: options.rounds,
      quick: options.isQuick,
      changingRoutes: counts.changing,
      changesPerSecond,
      manyRoutes: counts.many,
    },
    bars: judgeBars(bars, measured),
  };
}
