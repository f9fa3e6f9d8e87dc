import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";
import { revocationsTopic } from "../store/token-store.ts";

/** Serves `feed.revocations`: one frame of the feed. */
export function implementRevocationFeed(api: Api, { feed }: MciasContext): void {
  api.implement(
    mciasContract.revocationFeed,
    ({ query, request }) => feed.answerPoll(revocationsTopic, query.since, request),
  );
}
