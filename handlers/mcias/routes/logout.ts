import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";
import { revokeToken } from "../store/token-store.ts";

/** Serves `auth.logout`: revokes the token of the request. */
export function implementLogout(api: Api, { feed, now }: MciasContext): void {
  api.implement(mciasContract.logout, async ({ principal }) => {
    await feed.transaction((tx) => revokeToken(tx, principal.tokenId, now().getTime()));
    return undefined;
  });
}
