/** Upper bounds of the buckets in milliseconds; one more bucket has none. */
export const bucketBoundsMs: readonly number[] = [
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  30_000,
  120_000,
];

/** Counts times by how long they were. */
export interface Histogram {
  /** Counts one time. */
  observe(timeMs: number): void;
  /** Lines of the Prometheus text format after the family's name, with times in seconds, and their values. */
  samples(labels: string): [string, number][];
}

/** A histogram without a time. */
export function createHistogram(): Histogram {
  const counts = new Float64Array(bucketBoundsMs.length + 1);
  let sumMs = 0;
  return {
    observe(timeMs) {
      sumMs += timeMs;
      let index = 0;
      while (timeMs > (bucketBoundsMs[index] ?? Infinity)) index += 1;
      counts[index] = (counts[index] ?? 0) + 1;
    },
    samples(labels) {
      let total = 0;
      const lines = Array.from(counts, (count, index): [string, number] => {
        total += count;
        const bound = bucketBoundsMs[index];
        return [`_bucket{${labels},le="${bound === undefined ? "+Inf" : bound / 1000}"}`, total];
      });
      return [...lines, [`_sum{${labels}}`, sumMs / 1000], [`_count{${labels}}`, total]];
    },
  };
}
