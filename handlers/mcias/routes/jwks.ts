import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import type { MciasContext } from "../context.ts";

/** Serves `keys.list`: the public keys, for who verifies tokens by itself. */
export function implementJwks(api: Api, { signer }: MciasContext): void {
  api.implement(mciasContract.jwks, async () => ({ keys: signer.publicJwks.map((jwk) => ({ ...jwk })) }));
}
