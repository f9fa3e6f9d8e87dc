import { z } from "zod";
import type { Sql } from "#shared/store/database.ts";
import { forgetAfterMs, noThrottle, type Throttle } from "../domain/throttle.ts";

const Row = z.object({ failures: z.int(), lastFailureAtMs: z.int(), blockedUntilMs: z.int() });

/** The throttle of a key (an account name or a network), which has no failures when it is not known. */
export async function getThrottle(sql: Sql, key: string): Promise<Throttle> {
  const row = await sql.first(
    `SELECT failures, last_failure_at AS lastFailureAtMs, blocked_until AS blockedUntilMs FROM login_throttle WHERE key = ?`,
    [key],
  );
  return row === undefined ? noThrottle : Row.parse(row);
}

/** Writes a throttle, and forgets those that nothing is left of: strangers may try any number of names. */
export async function putThrottle(tx: Sql, key: string, throttle: Throttle): Promise<void> {
  await tx.run(
    `DELETE FROM login_throttle WHERE key IN
       (SELECT key FROM login_throttle WHERE last_failure_at < ? ORDER BY last_failure_at LIMIT 50)`,
    [throttle.lastFailureAtMs - forgetAfterMs],
  );
  await tx.run(
    "INSERT OR REPLACE INTO login_throttle (key, failures, last_failure_at, blocked_until) VALUES (?, ?, ?, ?)",
    [key, throttle.failures, throttle.lastFailureAtMs, throttle.blockedUntilMs],
  );
}

/** Forgets the failures of a key. */
export async function deleteThrottle(tx: Sql, key: string): Promise<void> {
  await tx.run("DELETE FROM login_throttle WHERE key = ?", [key]);
}
