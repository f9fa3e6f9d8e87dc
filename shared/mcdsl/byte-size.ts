import { z } from "zod";

const unitBytes = { B: 1, kB: 1_000, KiB: 1_024, MB: 1_000_000, MiB: 1_048_576, GB: 1_000_000_000, GiB: 1_073_741_824 };

/** A size as written in configuration, such as `512B`, `64KiB`, `10MiB` or `2GB`; parsed to bytes. */
export const ByteSize = z
  .string()
  .regex(/^\d{1,6}(B|kB|KiB|MB|MiB|GB|GiB)$/, 'expected a size such as "64KiB" or "10MiB"')
  .transform((text): number => {
    const [, amount = "0", unit = "B"] = /^(\d+)(\D+)$/.exec(text) ?? [];
    return Number(amount) * (Object.entries(unitBytes).find(([name]) => name === unit)?.[1] ?? 1);
  });
