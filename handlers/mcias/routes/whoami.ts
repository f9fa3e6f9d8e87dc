import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";

/** Serves `account.whoami`. */
export function implementWhoami(api: Api): void {
  api.implement(mciasContract.whoami, async ({ principal }) => principal);
}
