import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "./context.ts";
import { newSecret } from "./new-id.ts";
import { findAccount, type StoredAccount } from "./store/account-store.ts";
import { insertJoinToken } from "./store/join-token-store.ts";

/** Kinds of accounts that enrol. */
export type MachineKind = "node" | "system";

/** Life of a join token. */
export const joinTokenLifetimeMs = 3_600_000;

/**
 * A join token: good once, within an hour, to enrol the account of that name, or to give it another key.
 *
 * @throws {PlatformError} conflict — when the name is an account of another kind, or one that is not active
 */
export async function createJoinTokenFor(
  context: Pick<MciasContext, "database" | "now">,
  name: string,
  kind: MachineKind,
): Promise<{ joinToken: string; expiresAt: string }> {
  const joinToken = newSecret();
  const nowMs = context.now().getTime();
  const expiresAtMs = nowMs + joinTokenLifetimeMs;
  await context.database.transaction(async (tx) => {
    assertMayEnrol(await findAccount(tx, name), name, kind);
    await insertJoinToken(tx, joinToken, { name, kind, expiresAtMs, nowMs });
  });
  return { joinToken, expiresAt: new Date(expiresAtMs).toISOString() };
}

/**
 * Nothing, when the name is free or belongs to an active account of that kind.
 *
 * @throws {PlatformError} conflict — otherwise
 */
export function assertMayEnrol(account: StoredAccount | undefined, name: string, kind: MachineKind): void {
  if (account === undefined || (account.kind === kind && account.status === "active")) return;
  throw new PlatformError(
    "conflict",
    `Cannot enrol "${name}": it is an ${account.status} ${account.kind} account, expected a free name or an active ${kind} account`,
  );
}
