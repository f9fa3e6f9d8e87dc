import type { ErrorCode } from "../errors/catalogue.ts";
import { PlatformError } from "../errors/platform-error.ts";
import { platformAudience, type Principal } from "./principal.ts";
import type { TokenValidator } from "./server.ts";

/** A principal with a life of an hour from 2026-01-01; a person with the role `user` unless said otherwise. For tests. */
export function createPrincipal(overrides: Partial<Principal> = {}): Principal {
  return {
    accountId: "account-1",
    username: "alice",
    kind: "human",
    roles: ["user"],
    tokenId: "token-1",
    audience: [platformAudience],
    expiresAt: "2026-01-01T01:00:00.000Z",
    ...overrides,
  };
}

/** A validator that knows the given tokens and finds all others unauthenticated; for tests. */
export function createFakeValidator(principals: Readonly<Record<string, Principal>>): TokenValidator {
  return {
    async validateToken(token) {
      const principal = principals[token];
      if (principal === undefined) throw new PlatformError("unauthenticated", "Cannot accept the token: it is unknown");
      return principal;
    },
  };
}

/** A predicate for `assert.rejects` and `assert.throws`: the error is a PlatformError of this code. For tests. */
export function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof PlatformError && error.code === code;
}
