const units = [["d", 86_400], ["h", 3_600], ["m", 60]] as const;

/** How long ago a moment was, such as `12s`, `5m`, `3h` or `2d`; `-` for an unknown one. */
export function formatAgo(moment: string | null | undefined, now: Date): string {
  const then = moment === null || moment === undefined ? Number.NaN : Date.parse(moment);
  if (Number.isNaN(then)) return "-";
  const seconds = Math.max(0, Math.floor((now.getTime() - then) / 1000));
  for (const [unit, size] of units) {
    if (seconds >= size) return `${Math.floor(seconds / size)}${unit}`;
  }
  return `${seconds}s`;
}

/** A span of time for people: `850 ms`, `1.2 s` or `3 m 05 s`. */
export function formatElapsed(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}
