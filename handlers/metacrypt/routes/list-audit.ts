import { metacryptContract } from "#shared/contract/metacrypt.ts";
import type { Api } from "#shared/contract/server.ts";
import { listAudit } from "#shared/store/audit.ts";
import type { MetacryptContext } from "../context.ts";

/** Serves `audit.list`. */
export function implementListAudit(api: Api, { database }: MetacryptContext): void {
  api.implement(metacryptContract.listAudit, async ({ query: { limit, before } }) => ({
    events: await listAudit(database, before === undefined ? { limit } : { limit, before }),
  }));
}
