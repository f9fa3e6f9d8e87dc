import type { BenchResult } from "./result.ts";

/** A demand on a benchmark: a ratio to a peer that must be reached, or a figure of ours that must not be exceeded. */
export type Bar =
  | { readonly ratio: string; readonly atLeast: number }
  | { readonly ours: string; readonly atMost: number };

/** Whether a demand was met; `not measured` when the peer is not installed or the figure was not taken. */
export interface BarVerdict {
  /** The demand in words, such as `nginx.requestsPerSecond ≥ 1`. */
  readonly bar: string;
  readonly measured: number | null;
  readonly verdict: "met" | "missed" | "not measured";
}

/** Each bar, judged by what was measured. */
export function judgeBars(bars: readonly Bar[], result: Pick<BenchResult, "ours" | "ratios">): readonly BarVerdict[] {
  return bars.map((bar) => {
    const isRatio = "ratio" in bar;
    const measured = isRatio ? result.ratios[bar.ratio] : result.ours[bar.ours];
    const text = isRatio ? `${bar.ratio} ≥ ${bar.atLeast}` : `${bar.ours} ≤ ${bar.atMost}`;
    if (measured === undefined || !Number.isFinite(measured)) {
      return { bar: text, measured: null, verdict: "not measured" };
    }
    const isMet = isRatio ? measured >= bar.atLeast : measured <= bar.atMost;
    return { bar: text, measured, verdict: isMet ? "met" : "missed" };
  });
}
