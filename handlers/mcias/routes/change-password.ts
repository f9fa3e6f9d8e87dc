import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { withCheckedPassword } from "../check-password.ts";
import type { MciasContext } from "../context.ts";
import { updatePassword } from "../store/account-store.ts";
import { revokeTokensOf } from "../store/token-store.ts";

/** Serves `auth.password`: wrong current passwords count as wrong logins do; all other tokens of the account end. */
export function implementChangePassword(api: Api, context: MciasContext): void {
  api.implement(mciasContract.changePassword, async ({ body, principal, clientIp, setResource }) => {
    setResource(principal.username);
    const attempt = { username: principal.username, password: body.currentPassword, clientIp };
    const newHash = await context.hasher.hash(body.newPassword);
    await withCheckedPassword(context, attempt, async (tx, account) => {
      await updatePassword(tx, account.id, newHash);
      await revokeTokensOf(tx, account.id, { nowMs: context.now().getTime(), except: principal.tokenId });
    });
    return undefined;
  });
}
