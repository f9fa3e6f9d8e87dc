import type { Principal } from "#shared/contract/principal.ts";
import type { TokenValidator } from "#shared/contract/server.ts";
import type { Sql } from "#shared/store/database.ts";
import { clockSkewSeconds } from "./domain/token-claims.ts";
import { effectiveExpiry } from "./domain/token-lifetime.ts";
import { findUnrevokedToken } from "./store/token-store.ts";
import { deadToken, expiredToken, type TokenSigner } from "./token-signer.ts";

/** What {@link createTokenValidator} needs. */
export interface TokenValidatorDependencies {
  readonly database: Sql;
  readonly signer: TokenSigner;
  readonly issuer: string;
  readonly now: () => Date;
}

/** A validator that takes name, kind, status and roles from the database, never from the token. */
export function createTokenValidator({ database, signer, issuer, now }: TokenValidatorDependencies): TokenValidator {
  return {
    async validateToken(token): Promise<Principal> {
      const at = now();
      const claims = await signer.verify(token, { issuer, now: at });
      const stored = await findUnrevokedToken(database, claims.jti);
      if (stored === undefined || stored.account.id !== claims.sub || stored.account.status !== "active") {
        throw deadToken();
      }
      const { account } = stored;
      const expiresAtMs = effectiveExpiry(stored, account);
      if (at.getTime() >= expiresAtMs + clockSkewSeconds * 1000) throw expiredToken();
      return {
        accountId: account.id,
        username: account.username,
        kind: account.kind,
        roles: account.roles,
        tokenId: claims.jti,
        audience: claims.aud,
        expiresAt: new Date(expiresAtMs).toISOString(),
      };
    },
  };
}
