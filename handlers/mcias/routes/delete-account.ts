import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";
import { assertAdminRemains, getAccount } from "../get-account.ts";
import { deleteAccount } from "../store/account-store.ts";
import { deleteJoinTokens } from "../store/join-token-store.ts";
import { revokeTokensOf } from "../store/token-store.ts";

/** Serves `account.delete`: the account goes, and its tokens with it. */
export function implementDeleteAccount(api: Api, { feed, now }: MciasContext): void {
  api.implement(mciasContract.deleteAccount, async ({ params, setResource }) => {
    setResource(params.username);
    await feed.transaction(async (tx) => {
      const account = await getAccount(tx, params.username);
      await assertAdminRemains(tx, account, undefined);
      await revokeTokensOf(tx, account.id, { nowMs: now().getTime() });
      await deleteJoinTokens(tx, account.username);
      await deleteAccount(tx, account.id);
    });
    return undefined;
  });
}
