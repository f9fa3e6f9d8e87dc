/** What a benchmark measured; printed as the last line of stdout. */
export interface BenchResult {
  readonly bench: string;
  readonly unit: string;
  /** Ours, by metric. */
  readonly ours: Readonly<Record<string, number>>;
  /** Each installed peer's, by metric. */
  readonly peers: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Ours against each peer; above 1 where ours is better. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** The middle of a list; the mean of the two middles when even. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which `percent` of the list lies, by linear interpolation. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) throw new RangeError("Cannot take a percentile of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const at = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/** One thing that is measured side by side. */
export interface Contender<T> {
  readonly name: string;
  /** One run; gives its figures. */
  run(): Promise<T>;
}

/**
 * Runs all contenders in turn, `rounds` times (ours, peer, ours, peer …), so that a drifting machine drifts for all, and gives each
 * one's figures. The first round warms up and is dropped.
 */
export async function runPaired<T>(contenders: readonly Contender<T>[], rounds: number): Promise<Map<string, T[]>> {
  const figures = new Map<string, T[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const figure = await contender.run();
      if (round > 0) figures.get(contender.name)?.push(figure);
    }
  }
  return figures;
}

/** The median over rounds of ours ÷ peer's within one round: paired, as a machine's speed changes between rounds. */
export function pairedRatio(ours: readonly number[], peers: readonly number[], isHigherBetter: boolean): number {
  const ratios = ours.map((our, round) => {
    const peer = peers[round] ?? our;
    return isHigherBetter ? our / peer : peer / our;
  });
  return Math.round(median(ratios) * 100) / 100;
}

/** Figures of one run, by metric. */
export type Figures = Readonly<Record<string, number>>;

/** Figures of all rounds of {@link runPaired}, where one contender is named `ours`, as medians and as ratios `<peer>.<metric>`. */
export function toComparison(
  rounds: ReadonlyMap<string, readonly Figures[]>,
  isHigherBetter: Readonly<Record<string, boolean>>,
): Pick<BenchResult, "ours" | "peers" | "ratios"> {
  const metrics = Object.keys(isHigherBetter);
  const valuesOf = (name: string, metric: string) => (rounds.get(name) ?? []).map((figures) => figures[metric] ?? NaN);
  const mediansOf = (name: string) =>
    Object.fromEntries(metrics.map((metric) => [metric, toThreeDigits(median(valuesOf(name, metric)))]));
  const peers = [...rounds.keys()].filter((name) => name !== "ours");
  const ratios = peers.flatMap((peer) =>
    metrics.map((metric) => {
      const ratio = pairedRatio(valuesOf("ours", metric), valuesOf(peer, metric), isHigherBetter[metric] ?? true);
      return [`${peer}.${metric}`, ratio] as const;
    })
  );
  return {
    ours: mediansOf("ours"),
    peers: Object.fromEntries(peers.map((peer) => [peer, mediansOf(peer)])),
    ratios: Object.fromEntries(ratios),
  };
}

function toThreeDigits(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
