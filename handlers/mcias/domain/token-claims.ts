import { z } from "zod";
import { AccountName, Id } from "#shared/contract/names.ts";
import { AccountKind, Role } from "#shared/contract/principal.ts";

/** Type of an access token's header (RFC 9068 §2.1). */
export const accessTokenType = "at+jwt";
/** The one signature algorithm of access tokens and assertions (RFC 8037 §3.1). */
export const signatureAlgorithm = "EdDSA";
/** How far clocks may differ, in seconds. */
export const clockSkewSeconds = 5;

/** Claims of an access token (RFC 9068 §2.2). Roles and kind inform offline readers; MCIAS itself reads them from its database. */
export const TokenClaims = z.object({
  iss: z.string(),
  sub: Id,
  aud: z.array(z.string().max(128)).min(1).max(16),
  iat: z.int(),
  exp: z.int(),
  jti: Id,
  client_id: z.string(),
  username: AccountName,
  kind: AccountKind,
  roles: z.array(Role),
});
/** Claims of an access token. */
export type TokenClaims = z.infer<typeof TokenClaims>;
