import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { findAccount, hasOtherActiveAdmin, type StoredAccount } from "./store/account-store.ts";

/**
 * The account of that name.
 *
 * @throws {PlatformError} not-found — when there is none
 */
export async function getAccount(sql: Sql, username: string): Promise<StoredAccount> {
  const account = await findAccount(sql, username);
  if (account !== undefined) return account;
  throw new PlatformError("not-found", `Cannot find the account "${username}": there is none of that name`);
}

/**
 * Nothing, when somebody is an active admin after the change too; `after` is missing when the account goes.
 *
 * @throws {PlatformError} conflict — when the change takes the last active admin away
 */
export async function assertAdminRemains(
  tx: Sql,
  before: StoredAccount,
  after: StoredAccount | undefined,
): Promise<void> {
  if (!isActiveAdmin(before) || isActiveAdmin(after) || await hasOtherActiveAdmin(tx, before.id)) return;
  throw new PlatformError(
    "conflict",
    `Cannot take "${before.username}" away: it is the last active admin, expected another one first`,
  );
}

function isActiveAdmin(account: StoredAccount | undefined): boolean {
  return account?.kind === "human" && account.status === "active" && account.roles.includes("admin");
}
