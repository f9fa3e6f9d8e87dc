import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { deleteZone, getZone } from "../store/zone-store.ts";

/** Serves `zone.delete`. */
export function implementDeleteZone(api: Api, { feed }: McnsContext): void {
  api.implement(mcnsContract.deleteZone, async ({ params, setResource }) => {
    setResource(params.zone);
    await feed.transaction(async (tx) => {
      await getZone(tx, params.zone);
      await deleteZone(tx, params.zone);
    });
    return undefined;
  });
}
