import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";
import { revocationsTopic } from "../store/token-store.ts";

/** Serves `feed.revocations.stream`: frames for as long as the subscriber stays. */
export function implementRevocationStream(api: Api, { feed }: MciasContext): void {
  api.implement(
    mciasContract.revocationStream,
    async ({ query, request }) => feed.answerStream(revocationsTopic, query.since, request),
  );
}
