import { createHash } from "node:crypto";
import { z } from "zod";
import { AccountName } from "#shared/contract/names.ts";
import type { Sql } from "#shared/store/database.ts";

/** What a join token is good for. */
export const JoinGrant = z.object({ name: AccountName, kind: z.enum(["system", "node"]), expiresAtMs: z.int() });
/** What a join token is good for. */
export type JoinGrant = z.infer<typeof JoinGrant>;

/** Remembers a join token by its SHA-256: it has 256 random bits, so nothing slower is needed. */
export async function insertJoinToken(
  tx: Sql,
  joinToken: string,
  grant: JoinGrant & { readonly nowMs: number },
): Promise<void> {
  await tx.run("DELETE FROM join_token WHERE expires_at <= ?", [grant.nowMs]);
  await tx.run("INSERT INTO join_token (hash, name, kind, expires_at) VALUES (?, ?, ?, ?)", [
    hashOf(joinToken),
    grant.name,
    grant.kind,
    grant.expiresAtMs,
  ]);
}

/** Uses a join token up: what it is good for, or `undefined` when it is unknown, used or expired. */
export async function takeJoinToken(tx: Sql, joinToken: string, nowMs: number): Promise<JoinGrant | undefined> {
  const row = await tx.first(
    "DELETE FROM join_token WHERE hash = ? AND expires_at > ? RETURNING name, kind, expires_at AS expiresAtMs",
    [hashOf(joinToken), nowMs],
  );
  return row === undefined ? undefined : JoinGrant.parse(row);
}

/** Forgets all join tokens for a name. */
export async function deleteJoinTokens(tx: Sql, name: string): Promise<void> {
  await tx.run("DELETE FROM join_token WHERE name = ?", [name]);
}

function hashOf(joinToken: string): string {
  return createHash("sha256").update(joinToken).digest("hex");
}
