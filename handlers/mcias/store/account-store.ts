import { z } from "zod";
import { AccountName, Id } from "#shared/contract/names.ts";
import { type Account, Ed25519PublicJwk } from "#shared/contract/mcias.ts";
import { AccountKind, Role } from "#shared/contract/principal.ts";
import type { Sql } from "#shared/store/database.ts";

/** An account as it is stored, secrets included. */
export const StoredAccount = z.object({
  id: Id,
  username: AccountName,
  kind: AccountKind,
  status: z.enum(["active", "inactive"]),
  roles: z.string().transform((text): unknown => JSON.parse(text)).pipe(z.array(Role)),
  passwordHash: z.string().nullable(),
  /** Grows with each change of the password, not with a new hash of the same one. */
  passwordVersion: z.int(),
  publicKey: z.string().transform((text): unknown => JSON.parse(text)).pipe(Ed25519PublicJwk).nullable(),
  createdAtMs: z.int(),
});
/** An account as it is stored, secrets included. */
export type StoredAccount = z.infer<typeof StoredAccount>;

/** Columns of {@link StoredAccount}, for joins with a table alias `account`. */
export const accountColumns = `account.id, account.username, account.kind, account.status, account.roles,
  account.password_hash AS passwordHash, account.password_version AS passwordVersion,
  account.public_key AS publicKey, account.created_at AS createdAtMs`;

/** The account as others may see it. */
export function toAccount(stored: StoredAccount): Account {
  const { id, username, kind, status, roles, createdAtMs } = stored;
  return { id, username, kind, status, roles, createdAt: new Date(createdAtMs).toISOString() };
}

/** The account of that name, or `undefined`. */
export async function findAccount(sql: Sql, username: string): Promise<StoredAccount | undefined> {
  const row = await sql.first(`SELECT ${accountColumns} FROM account WHERE username = ?`, [username]);
  return row === undefined ? undefined : StoredAccount.parse(row);
}

/** All accounts by name. */
export async function listAccounts(sql: Sql): Promise<StoredAccount[]> {
  const rows = await sql.all(`SELECT ${accountColumns} FROM account ORDER BY username`);
  return rows.map((row) => StoredAccount.parse(row));
}

/** Adds an account; gives `false` when the name is taken. */
export async function insertAccount(tx: Sql, account: StoredAccount): Promise<boolean> {
  const changed = await tx.run(
    `INSERT INTO account (id, username, kind, status, roles, password_hash, password_version, public_key, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    [
      account.id,
      account.username,
      account.kind,
      account.status,
      JSON.stringify(account.roles),
      account.passwordHash,
      account.passwordVersion,
      account.publicKey === null ? null : JSON.stringify(account.publicKey),
      account.createdAtMs,
    ],
  );
  return changed === 1;
}

/** Writes roles and status of an account. */
export async function updateAccount(tx: Sql, account: Pick<StoredAccount, "id" | "roles" | "status">): Promise<void> {
  await tx.run("UPDATE account SET roles = ?, status = ? WHERE id = ?", [
    JSON.stringify(account.roles),
    account.status,
    account.id,
  ]);
}

/** Writes the public key of an account. */
export async function updatePublicKey(tx: Sql, id: string, publicKey: Ed25519PublicJwk): Promise<void> {
  await tx.run("UPDATE account SET public_key = ? WHERE id = ?", [JSON.stringify(publicKey), id]);
}

/** Writes the hash of a new password. */
export async function updatePassword(tx: Sql, id: string, passwordHash: string): Promise<void> {
  await tx.run("UPDATE account SET password_hash = ?, password_version = password_version + 1 WHERE id = ?", [
    passwordHash,
    id,
  ]);
}

/** Writes a new hash of the password that has this version. */
export async function updatePasswordHash(
  tx: Sql,
  account: Pick<StoredAccount, "id" | "passwordVersion">,
  passwordHash: string,
): Promise<void> {
  await tx.run("UPDATE account SET password_hash = ? WHERE id = ? AND password_version = ?", [
    passwordHash,
    account.id,
    account.passwordVersion,
  ]);
}

/** Removes an account. */
export async function deleteAccount(tx: Sql, id: string): Promise<void> {
  await tx.run("DELETE FROM account WHERE id = ?", [id]);
}

/** Says whether any active person but this one is an admin. */
export async function hasOtherActiveAdmin(sql: Sql, id: string): Promise<boolean> {
  const row = await sql.first(
    `SELECT 1 FROM account WHERE kind = 'human' AND status = 'active' AND id <> ?
       AND EXISTS (SELECT 1 FROM json_each(roles) WHERE value = 'admin') LIMIT 1`,
    [id],
  );
  return row !== undefined;
}

/** Says whether any person has an account. */
export async function hasPeople(sql: Sql): Promise<boolean> {
  return (await sql.first("SELECT 1 FROM account WHERE kind = 'human' LIMIT 1")) !== undefined;
}
