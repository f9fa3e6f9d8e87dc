import { mciasContract } from "#shared/contract/mcias.ts";
import type { Api } from "#shared/contract/server.ts";
import { acceptAssertion } from "../accept-assertion.ts";
import type { MciasContext } from "../context.ts";

/** Serves `token.assertion`: a short token for the machine that signed the assertion (RFC 7523 §2.1). */
export function implementExchangeAssertion(api: Api, context: MciasContext): void {
  api.implement(mciasContract.exchangeAssertion, async ({ body, setResource }) => {
    const { token, expiresAt } = await acceptAssertion(context, body.assertion, setResource);
    const seconds = Math.floor((Date.parse(expiresAt) - context.now().getTime()) / 1000);
    return { access_token: token, token_type: "Bearer" as const, expires_in: seconds };
  });
}
