import { PlatformError } from "../errors/platform-error.ts";
import type { Access, AccessKind } from "./endpoint.ts";
import { isAdmin, platformAudience, type Principal } from "./principal.ts";
import type { TokenValidator } from "./server.ts";

/** Longest token that is looked at, in characters. */
const maxTokenLength = 4096;

/** The bearer token of a request (RFC 6750 §2.1), or `undefined`. */
export function bearerToken(request: Request): string | undefined {
  const header = request.headers.get("authorization");
  const match = header === null ? null : /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header);
  return match?.[1] !== undefined && match[1].length <= maxTokenLength ? match[1] : undefined;
}

/**
 * Who asks: the principal of the request's token, or `undefined` on a public endpoint, which looks at no token.
 *
 * @throws {PlatformError} unauthenticated, token-expired — without a live token where one is needed
 */
export async function authenticate(
  request: Request,
  access: Access,
  validator: TokenValidator,
): Promise<Principal | undefined> {
  if (access === "public") return undefined;
  const token = bearerToken(request);
  if (token === undefined) {
    throw new PlatformError("unauthenticated", "Cannot answer without a bearer token, expected one from MCIAS");
  }
  return await validator.validateToken(token);
}

/**
 * The one authorisation decision of every endpoint: nothing, when `access` lets the caller in.
 *
 * @throws {PlatformError} forbidden — when it does not
 */
export function authorise(principal: Principal | undefined, access: Access): void {
  if (access === "public") return;
  if (principal === undefined) throw new PlatformError("forbidden", "Cannot do this as nobody, expected a principal");
  if (!principal.audience.includes(platformAudience)) {
    throw new PlatformError(
      "forbidden",
      `Cannot use this token here: its audience is "${principal.audience.join(", ")}", expected "${platformAudience}"`,
    );
  }
  if (!access.some((kind) => allows(kind, principal))) {
    throw new PlatformError(
      "forbidden",
      `Cannot do this as "${principal.username}": the account is ${describe(principal)}, expected ${
        access.join(" or ")
      }`,
    );
  }
}

function allows(kind: AccessKind, principal: Principal): boolean {
  switch (kind) {
    case "public":
    case "authenticated":
      return true;
    case "user":
      return isAdmin(principal) || principal.roles.includes("user");
    case "admin":
      return isAdmin(principal);
    case "node":
      return principal.kind === "node";
    case "system":
      return principal.kind === "system";
  }
}

function describe(principal: Principal): string {
  return principal.kind === "human"
    ? `a person with the roles [${principal.roles.join(", ")}]`
    : `a ${principal.kind} account`;
}
