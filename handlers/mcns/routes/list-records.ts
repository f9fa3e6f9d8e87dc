import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { listRecords } from "../store/record-store.ts";
import { getZone } from "../store/zone-store.ts";

/** Serves `record.list`. */
export function implementListRecords(api: Api, { database }: McnsContext): void {
  api.implement(mcnsContract.listRecords, async ({ params, query }) => {
    await getZone(database, params.zone);
    return { records: await listRecords(database, params.zone, query.name) };
  });
}
