import { type Ed25519PublicJwk, mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import type { MciasContext } from "../context.ts";
import { assertMayEnrol } from "../create-join-token-for.ts";
import { newId } from "../new-id.ts";
import { findAccount, insertAccount, type StoredAccount, toAccount, updatePublicKey } from "../store/account-store.ts";
import { type JoinGrant, takeJoinToken } from "../store/join-token-store.ts";
import { revokeTokensOf } from "../store/token-store.ts";

/** Serves `account.enrol`: makes the account, or gives it another key, which ends the tokens that the old key got. */
export function implementEnrol(api: Api, { feed, now }: MciasContext): void {
  api.implement(mciasContract.enrol, async ({ body, setResource }) => {
    const nowMs = now().getTime();
    const account = await feed.transaction(async (tx) => {
      const grant = await takeJoinToken(tx, body.joinToken, nowMs);
      if (grant === undefined) throw unknownJoinToken();
      setResource(grant.name);
      return putMachine(tx, grant, { publicKey: body.publicKey, nowMs });
    });
    return toAccount(account);
  });
}

async function putMachine(
  tx: Sql,
  grant: JoinGrant,
  { publicKey, nowMs }: { readonly publicKey: Ed25519PublicJwk; readonly nowMs: number },
): Promise<StoredAccount> {
  const known = await findAccount(tx, grant.name);
  assertMayEnrol(known, grant.name, grant.kind);
  if (known !== undefined) {
    await updatePublicKey(tx, known.id, publicKey);
    await revokeTokensOf(tx, known.id, { nowMs });
    return { ...known, publicKey };
  }
  const account: StoredAccount = {
    id: newId(),
    username: grant.name,
    kind: grant.kind,
    status: "active",
    roles: [],
    passwordHash: null,
    passwordVersion: 0,
    publicKey,
    createdAtMs: nowMs,
  };
  await insertAccount(tx, account);
  return account;
}

function unknownJoinToken(): PlatformError {
  return new PlatformError(
    "invalid-credentials",
    "Cannot enrol: the join token is not good, expected an unused one that is under an hour old",
  );
}
