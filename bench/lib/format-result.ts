import type { BenchResult } from "./result.ts";

/** A result as a table for people: a row for each metric with ours, and each peer's with the ratio to it; then the bars. */
export function formatResult(result: BenchResult): string {
  const peers = Object.keys(result.peers);
  const header = [`${result.bench} (${result.unit})`, "ours", ...peers.flatMap((peer) => [peer, "ratio"])];
  const rows = Object.keys(result.ours).map((metric) => [
    metric,
    String(result.ours[metric]),
    ...peers.flatMap((peer) => [String(result.peers[peer]?.[metric] ?? ""), formatRatio(result, `${peer}.${metric}`)]),
  ]);
  return [...alignColumns([header, ...rows]), ...footOf(result)].join("\n") + "\n";
}

function formatRatio({ ratios, spreads }: BenchResult, key: string): string {
  const ratio = ratios[key];
  const spread = spreads?.[key];
  if (ratio === undefined) return "";
  return spread === undefined ? `${ratio}` : `${ratio} (${spread[0]}–${spread[1]})`;
}

function footOf({ ceiling, bars, run }: BenchResult): string[] {
  const toPairs = (facts: Readonly<Record<string, string | number | boolean>>) =>
    Object.entries(facts).map(([name, value]) => `${name} ${value}`).join(", ");
  return [
    ...(ceiling === undefined ? [] : [`without a proxy: ${toPairs(ceiling)}`]),
    ...(run === undefined ? [] : [`run: ${toPairs(run)}`]),
    ...(bars ?? []).map(({ bar, measured, verdict }) => `bar: ${bar}: ${verdict} (${measured ?? "–"})`),
  ];
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)).join(
      "  ",
    )
  );
}
