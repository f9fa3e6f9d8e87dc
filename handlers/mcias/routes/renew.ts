import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "../context.ts";
import { effectiveExpiry, isRenewable } from "../domain/token-lifetime.ts";
import { issueToken } from "../issue-token.ts";
import { findUnrevokedToken, revokeToken } from "../store/token-store.ts";
import { deadToken } from "../token-signer.ts";

/** Serves `auth.renew`: the old token ends in the transaction that the new one begins in, so of two renewals one wins. */
export function implementRenew(api: Api, context: MciasContext): void {
  api.implement(mciasContract.renew, ({ principal }) => {
    const now = context.now();
    return context.feed.transaction(async (tx) => {
      const stored = await findUnrevokedToken(tx, principal.tokenId);
      if (stored === undefined || stored.account.status !== "active") throw deadToken();
      if (!isRenewable({ ...stored, expiresAtMs: effectiveExpiry(stored, stored.account) }, now.getTime())) {
        throw new PlatformError(
          "conflict",
          `Cannot renew the token that ends at "${principal.expiresAt}": less than half of its life is over, expected more`,
        );
      }
      await revokeToken(tx, principal.tokenId, now.getTime());
      const clientId = principal.audience[0] ?? principal.username;
      return issueToken(tx, stored.account, { ...context, now, audience: principal.audience, clientId });
    });
  });
}
