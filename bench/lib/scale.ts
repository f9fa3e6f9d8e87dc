import type { BenchOptions } from "./options.ts";

/** How much load one run of a proxy takes. */
export interface Scale {
  readonly seconds: number;
  /** Connections that are opened with one request each. */
  readonly newConnections: number;
  /** Files of 64 MB. */
  readonly bigFiles: number;
}

/** Little load for a run that only shows that a benchmark works. */
export function scaleOf({ isQuick }: Pick<BenchOptions, "isQuick">): Scale {
  return isQuick
    ? { seconds: 1, newConnections: 200, bigFiles: 4 }
    : { seconds: 3, newConnections: 2_000, bigFiles: 12 };
}
