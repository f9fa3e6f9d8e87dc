import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";

import { listAudit } from "#shared/store/audit.ts";
import type { McnsContext } from "../context.ts";

/** Serves `audit.list`. */
export function implementListAudit(api: Api, { database }: McnsContext): void {
  api.implement(mcnsContract.listAudit, async ({ query: { limit, before } }) => ({
    events: await listAudit(database, before === undefined ? { limit } : { limit, before }),
  }));
}
