import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";
import { createJoinTokenFor } from "../create-join-token-for.ts";

/** Serves `join-token.create`. */
export function implementCreateJoinToken(api: Api, context: MciasContext): void {
  api.implement(mciasContract.createJoinToken, ({ body, setResource }) => {
    setResource(body.name);
    return createJoinTokenFor(context, body.name, body.kind);
  });
}
