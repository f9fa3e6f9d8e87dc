import type { BarVerdict } from "./bars.ts";

/** What a benchmark measured; printed as the last line of stdout. */
export interface BenchResult {
  readonly bench: string;
  readonly unit: string;
  /** Ours, by metric. */
  readonly ours: Figures;
  /** Each installed peer's, by metric. */
  readonly peers: Readonly<Record<string, Figures>>;
  /** Ours against each peer; above 1 where ours is better. */
  readonly ratios: Figures;
  /** Lowest and highest ratio of a single round, for each of `ratios`. */
  readonly spreads?: Readonly<Record<string, readonly [number, number]>>;
  /** What load generator and backend reach without a proxy between them. */
  readonly ceiling?: Figures;
  /** What was asked of ours, and whether it was reached. */
  readonly bars?: readonly BarVerdict[];
  /** How it was run: what is needed to read the figures. */
  readonly run?: Readonly<Record<string, string | number | boolean>>;
}

/** Figures of one run, by metric. */
export type Figures = Readonly<Record<string, number>>;

/** Whether more or less of a metric is better; of one that is `information` neither is. */
export type Direction = "higher" | "lower" | "information";

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

/** By how much a straight line through the values (least squares) rises from the first to the last. */
export function trendOf(values: readonly number[]): number {
  if (values.length < 2) throw new RangeError("Cannot see a trend in fewer than two values");
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const covariance = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const variance = values.reduce((sum, _value, index) => sum + (index - middle) ** 2, 0);
  return (covariance / variance) * (values.length - 1);
}

/** One thing that is measured side by side. */
export interface Contender<T> {
  readonly name: string;
  /** One run; gives its figures. */
  run(): Promise<T>;
}

/**
 * Runs all contenders in turn, `rounds` times (ours, peer, peer, ours, ours …: every other round backwards), so that a drifting
 * machine drifts for all, and gives each one's figures. The first round warms up and is dropped.
 */
export async function runPaired<T>(contenders: readonly Contender<T>[], rounds: number): Promise<Map<string, T[]>> {
  const figures = new Map<string, T[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const figure = await contender.run();
      if (round > 0) figures.get(contender.name)?.push(figure);
    }
  }
  return figures;
}

/** Ours ÷ peer's within each round: paired, as a machine's speed changes between rounds. Above 1 where ours is better. */
export function pairedRatios(
  ours: readonly number[],
  peers: readonly number[],
  direction: "higher" | "lower",
): readonly number[] {
  return ours.map((our, round) => {
    const peer = peers[round] ?? our;
    return direction === "higher" ? our / peer : peer / our;
  });
}

/** Figures of all rounds of {@link runPaired}, where one contender is named `ours`, as medians and as ratios `<peer>.<metric>`. */
export function toComparison(
  rounds: ReadonlyMap<string, readonly Figures[]>,
  metrics: Readonly<Record<string, Direction>>,
): Required<Pick<BenchResult, "ours" | "peers" | "ratios" | "spreads">> {
  const valuesOf = (name: string, metric: string) => (rounds.get(name) ?? []).map((figures) => figures[metric] ?? NaN);
  const mediansOf = (name: string) =>
    Object.fromEntries(Object.keys(metrics).map((metric) => [metric, toThreeDigits(median(valuesOf(name, metric)))]));
  const peers = [...rounds.keys()].filter((name) => name !== "ours");
  const ratios = peers.flatMap((peer) =>
    Object.entries(metrics).flatMap(([metric, direction]) => {
      if (direction === "information") return [];
      const paired = pairedRatios(valuesOf("ours", metric), valuesOf(peer, metric), direction);
      return [{ key: `${peer}.${metric}`, paired }];
    })
  );
  return {
    ours: mediansOf("ours"),
    peers: Object.fromEntries(peers.map((peer) => [peer, mediansOf(peer)])),
    ratios: Object.fromEntries(ratios.map(({ key, paired }) => [key, toHundredths(median(paired))])),
    spreads: Object.fromEntries(
      ratios.map(({ key, paired }) => [key, [toHundredths(Math.min(...paired)), toHundredths(Math.max(...paired))]]),
    ),
  };
}

/** A figure as it is reported: whole from 100 on, three digits below. */
export function toThreeDigits(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

function toHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
