import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MetacryptContext } from "../context.ts";
import { listGrants } from "../store/grant-store.ts";

/** Serves `grant.list`. */
export function implementListGrants(api: Api, { database }: MetacryptContext): void {
  api.implement(metacryptContract.listGrants, async () => ({ grants: await listGrants(database) }));
}
