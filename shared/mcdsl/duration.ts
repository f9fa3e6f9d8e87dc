import { z } from "zod";

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as written in configuration, such as `250ms`, `30s`, `5m`, `12h` or `7d`; parsed to milliseconds. */
export const DurationMs = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'expected a duration such as "30s", "5m" or "12h"')
  .transform((text): number => {
    const [, amount = "0", unit = "ms"] = /^(\d+)(\D+)$/.exec(text) ?? [];
    return Number(amount) * (Object.entries(unitMs).find(([name]) => name === unit)?.[1] ?? 1);
  });

/** A listen address, `host:port` or `:port` (all addresses); parsed to its parts. */
export const ListenAddress = z
  .string()
  .regex(/^(\[[0-9a-f:]+\]|[^:[\]]*):\d{1,5}$/, 'expected "host:port" or ":port"')
  .transform((text): { host: string; port: number } => {
    const at = text.lastIndexOf(":");
    const host = text.slice(0, at).replace(/^\[|\]$/g, "");
    return { host: host === "" ? "0.0.0.0" : host, port: Number(text.slice(at + 1)) };
  })
  .refine(({ port }) => port <= 65_535, "expected a port of at most 65535");
