import { bearerToken } from "#shared/contract/authorise.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import { platformAudience, type Principal } from "#shared/contract/principal.ts";
import type { Api } from "#shared/contract/server.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import type { MciasContext } from "../context.ts";
import { assertNetworkMayTry, countWrongToken } from "../throttle-tokens.ts";

/**
 * Serves `auth.forward`: whether the bearer of a request may pass a proxy, and who it is. A dead token, one for another service and none at
 * all are answered with 401 and `WWW-Authenticate` (RFC 6750 §3). What the account may do is the service's to judge by the roles.
 */
export function implementForwardAuth(api: Api, context: MciasContext): void {
  api.implement(mciasContract.forwardAuth, async ({ query: { service }, request, requestId, clientIp }) => {
    await assertNetworkMayTry(context, clientIp);
    const token = bearerToken(request);
    // Every first visit of a browser comes without a token: answered without a line in the audit log.
    if (token === undefined) return toProblemResponse(missingToken(), requestId);
    const principal = await validate(context, token, clientIp);
    if (principal instanceof PlatformError) return toProblemResponse(principal, requestId);
    if (!principal.audience.some((audience) => audience === platformAudience || audience === service)) {
      throw new PlatformError(
        "unauthenticated",
        `Cannot let the request pass: its token is for "${principal.audience.join(", ")}", expected "${
          service ?? platformAudience
        }"`,
      );
    }
    return new Response(null, { status: 204, headers: headersOf(principal) });
  });
}

/** Whom the token stands for, or why it does not any more: one that has expired was good before, and its owner's browser may go on asking. */
async function validate(context: MciasContext, token: string, clientIp: string): Promise<Principal | PlatformError> {
  try {
    return await context.validator.validateToken(token);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    if (error.code === "token-expired") return error;
    if (error.code === "unauthenticated") await countWrongToken(context, clientIp);
    throw error;
  }
}

function missingToken(): PlatformError {
  const message = "Cannot let the request pass: it has no bearer token, expected one from MCIAS";
  return new PlatformError("unauthenticated", message);
}

/** Names and roles have no characters that a field value could not have. */
function headersOf({ username, kind, roles }: Principal): Record<string, string> {
  return {
    "x-auth-account": username,
    "x-auth-kind": kind,
    "x-auth-roles": roles.join(","),
    "cache-control": "no-store",
  };
}
