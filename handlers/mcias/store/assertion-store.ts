import type { Sql } from "#shared/store/database.ts";

/** Notes that an assertion was used; gives `false` when it was used before (RFC 7523 §3, `jti`). */
export async function useAssertion(
  tx: Sql,
  assertion: { readonly accountId: string; readonly id: string; readonly expiresAtMs: number; readonly nowMs: number },
): Promise<boolean> {
  await tx.run("DELETE FROM used_assertion WHERE expires_at < ?", [assertion.nowMs]);
  const changed = await tx.run(
    "INSERT INTO used_assertion (account_id, id, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    [
      assertion.accountId,
      assertion.id,
      assertion.expiresAtMs,
    ],
  );
  return changed === 1;
}
