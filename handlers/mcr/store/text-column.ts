import { z } from "zod";
import type { SqlRow } from "#shared/store/database.ts";

const Text = z.string();

/** One text column of all rows. */
export function textColumn(rows: readonly SqlRow[], column: string): string[] {
  return rows.map((row) => Text.parse(row[column]));
}
