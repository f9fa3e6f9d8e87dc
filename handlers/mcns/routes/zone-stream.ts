import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { zonesTopic } from "../store/zone-store.ts";

/** Serves `feed.zones.stream`: frames for as long as the subscriber stays. */
export function implementZoneStream(api: Api, { feed }: McnsContext): void {
  api.implement(
    mcnsContract.zoneStream,
    async ({ query, request }) => feed.answerStream(zonesTopic, query.since, request),
  );
}
