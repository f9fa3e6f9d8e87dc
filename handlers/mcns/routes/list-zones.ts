import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { listZones } from "../store/zone-store.ts";

/** Serves `zone.list`. */
export function implementListZones(api: Api, { database }: McnsContext): void {
  api.implement(mcnsContract.listZones, async () => ({ zones: await listZones(database) }));
}
