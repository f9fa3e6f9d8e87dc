import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { createZone } from "../create-zone.ts";

/** Serves `zone.create`. */
export function implementCreateZone(api: Api, { feed, now }: McnsContext): void {
  api.implement(mcnsContract.createZone, async ({ body, setResource }) => {
    setResource(body.name);
    return await feed.transaction((tx) => createZone(tx, body, now()));
  });
}
