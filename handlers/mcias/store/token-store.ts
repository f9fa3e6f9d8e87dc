import { z } from "zod";
import { appendFeed } from "#shared/feed/feed-store.ts";
import type { Sql } from "#shared/store/database.ts";
import { clockSkewSeconds } from "../domain/token-claims.ts";
import { accountColumns, StoredAccount } from "./account-store.ts";

/** Topic of the feed of revoked tokens: key `jti`, value `{ expiresAt }` (ISO 8601). */
export const revocationsTopic = "revocations";

/** A token that was issued. The token itself is not stored. */
export interface StoredToken {
  /** The claim `jti`. */
  readonly id: string;
  readonly accountId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

const TokenWithAccount = z.object({ issuedAtMs: z.int(), expiresAtMs: z.int(), revokedAtMs: z.int().nullable() });
const Expiry = z.object({ id: z.string(), expiresAtMs: z.int() });

/** Remembers a token, and forgets those that have ended. */
export async function insertToken(tx: Sql, token: StoredToken): Promise<void> {
  await pruneTokens(tx, token.issuedAtMs);
  await tx.run("INSERT INTO token (id, account_id, issued_at, expires_at) VALUES (?, ?, ?, ?)", [
    token.id,
    token.accountId,
    token.issuedAtMs,
    token.expiresAtMs,
  ]);
}

/** A token that was not revoked, with the present state of its account, or `undefined`. */
export async function findUnrevokedToken(
  sql: Sql,
  id: string,
): Promise<{ readonly issuedAtMs: number; readonly expiresAtMs: number; readonly account: StoredAccount } | undefined> {
  const row = await sql.first(
    `SELECT token.issued_at AS issuedAtMs, token.expires_at AS expiresAtMs, token.revoked_at AS revokedAtMs, ${accountColumns}
     FROM token JOIN account ON account.id = token.account_id WHERE token.id = ?`,
    [id],
  );
  if (row === undefined) return undefined;
  const { issuedAtMs, expiresAtMs, revokedAtMs } = TokenWithAccount.parse(row);
  return revokedAtMs === null ? { issuedAtMs, expiresAtMs, account: StoredAccount.parse(row) } : undefined;
}

/** Revokes one token; gives `false` when it was revoked already or is not known. Of two parallel calls one gets `true`. */
export async function revokeToken(tx: Sql, id: string, nowMs: number): Promise<boolean> {
  const rows = await tx.all(
    "UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING id, expires_at AS expiresAtMs",
    [nowMs, id],
  );
  await publish(tx, rows);
  return rows.length === 1;
}

/** Revokes all tokens of an account, but the one given. */
export async function revokeTokensOf(
  tx: Sql,
  accountId: string,
  options: { nowMs: number; except?: string },
): Promise<void> {
  const rows = await tx.all(
    `UPDATE token SET revoked_at = ? WHERE account_id = ? AND revoked_at IS NULL AND id <> ?
     RETURNING id, expires_at AS expiresAtMs`,
    [options.nowMs, accountId, options.except ?? ""],
  );
  await publish(tx, rows);
}

async function publish(tx: Sql, rows: readonly unknown[]): Promise<void> {
  const revoked = rows.map((row) => Expiry.parse(row));
  await appendFeed(
    tx,
    revocationsTopic,
    revoked.map(({ id, expiresAtMs }) => ({ key: id, value: { expiresAt: new Date(expiresAtMs).toISOString() } })),
  );
}

/** Takes ended tokens out of the table and the feed, some at a time so that no login pays for many. */
async function pruneTokens(tx: Sql, nowMs: number): Promise<void> {
  const rows = await tx.all(
    `DELETE FROM token WHERE id IN (SELECT id FROM token WHERE expires_at < ? ORDER BY expires_at LIMIT 50)
     RETURNING id, expires_at AS expiresAtMs`,
    [nowMs - clockSkewSeconds * 1000],
  );
  await appendFeed(tx, revocationsTopic, rows.map((row) => ({ key: Expiry.parse(row).id })));
}
