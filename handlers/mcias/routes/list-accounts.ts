import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";
import { listAccounts, toAccount } from "../store/account-store.ts";

/** Serves `account.list`. */
export function implementListAccounts(api: Api, { database }: MciasContext): void {
  api.implement(mciasContract.listAccounts, async () => ({ accounts: (await listAccounts(database)).map(toAccount) }));
}
