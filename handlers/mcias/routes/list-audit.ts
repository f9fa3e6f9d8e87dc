import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { listAudit } from "#shared/store/audit.ts";
import type { MciasContext } from "../context.ts";

/** Serves `audit.list`. */
export function implementListAudit(api: Api, { database }: MciasContext): void {
  api.implement(mciasContract.listAudit, async ({ query: { limit, before } }) => ({
    events: await listAudit(database, before === undefined ? { limit } : { limit, before }),
  }));
}
