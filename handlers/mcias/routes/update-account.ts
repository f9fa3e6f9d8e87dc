import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "../context.ts";
import { assertAdminRemains, getAccount } from "../get-account.ts";
import { toAccount, updateAccount } from "../store/account-store.ts";
import { deleteJoinTokens } from "../store/join-token-store.ts";
import { revokeTokensOf } from "../store/token-store.ts";

/** Serves `account.update`: an account that becomes inactive loses its tokens; changed roles hold for them at once. */
export function implementUpdateAccount(api: Api, { feed, now }: MciasContext): void {
  api.implement(mciasContract.updateAccount, ({ params, body, setResource }) => {
    setResource(params.username);
    return feed.transaction(async (tx) => {
      const before = await getAccount(tx, params.username);
      const after = {
        ...before,
        roles: body.roles === undefined ? before.roles : [...new Set(body.roles)],
        status: body.status ?? before.status,
      };
      if (after.kind !== "human" && after.roles.length > 0) {
        throw new PlatformError(
          "conflict",
          `Cannot give roles to "${after.username}": it is a ${after.kind} account, expected a person`,
        );
      }
      await assertAdminRemains(tx, before, after);
      await updateAccount(tx, after);
      if (after.status === "inactive") {
        await revokeTokensOf(tx, after.id, { nowMs: now().getTime() });
        await deleteJoinTokens(tx, after.username);
      }
      return toAccount(after);
    });
  });
}
