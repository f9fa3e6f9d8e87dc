import { z } from "zod";
import { AccountName, HostName } from "#shared/contract/names.ts";
import type { Sql } from "#shared/store/database.ts";

/** A name that an owner lets an account have certificates for. */
export const NameGrant = z.object({ account: AccountName, owner: AccountName, name: HostName });
/** A name that an owner lets an account have certificates for. */
export type NameGrant = z.infer<typeof NameGrant>;

/** Names that any owner lets the account have. */
export async function listGrantedNames(sql: Sql, account: string): Promise<ReadonlySet<string>> {
  const rows = await sql.all("SELECT DISTINCT name FROM name_grant WHERE account = ?", [account]);
  return new Set(rows.map((row) => NameGrant.pick({ name: true }).parse(row).name));
}

/** All grants, by account, owner and name. */
export async function listGrants(sql: Sql): Promise<NameGrant[]> {
  const rows = await sql.all("SELECT account, owner, name FROM name_grant ORDER BY account, owner, name");
  return rows.map((row) => NameGrant.parse(row));
}

/** Lets the account have exactly these names of this owner's. */
export async function replaceGrants(
  tx: Sql,
  { account, owner, names }: { readonly account: string; readonly owner: string; readonly names: readonly string[] },
): Promise<void> {
  await tx.run("DELETE FROM name_grant WHERE account = ? AND owner = ?", [account, owner]);
  for (const name of new Set(names)) {
    await tx.run("INSERT INTO name_grant (account, owner, name) VALUES (?, ?, ?)", [account, owner, name]);
  }
}
