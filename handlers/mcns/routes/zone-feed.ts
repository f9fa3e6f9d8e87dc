import { mcnsContract } from "#shared/contract/mcns.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McnsContext } from "../context.ts";

import { zonesTopic } from "../store/zone-store.ts";

/** Serves `feed.zones`: one frame of the feed. */
export function implementZoneFeed(api: Api, { feed }: McnsContext): void {
  api.implement(mcnsContract.zoneFeed, ({ query, request }) => feed.answerPoll(zonesTopic, query.since, request));
}
