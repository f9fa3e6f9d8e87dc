import { z } from "zod";
import { AccountName } from "#shared/contract/names.ts";
import { clockSkewSeconds } from "./token-claims.ts";

/** Furthest expiry of an assertion, in seconds from now. */
export const maxAssertionSeconds = 300;

/** Claims of an assertion by a node or system account about itself (RFC 7523 §3). */
export const AssertionClaims = z.object({
  iss: AccountName,
  sub: AccountName,
  aud: z.union([z.string().max(512), z.array(z.string().max(512)).length(1)]),
  exp: z.number(),
  nbf: z.number().optional(),
  jti: z.string().min(1).max(128),
});
/** Claims of an assertion. */
export type AssertionClaims = z.infer<typeof AssertionClaims>;

/** Why the claims of an assertion whose signature holds are not acceptable, or `undefined`. */
export function findAssertionProblem(
  claims: AssertionClaims,
  expected: { readonly issuer: string; readonly nowMs: number },
): string | undefined {
  const [audience] = typeof claims.aud === "string" ? [claims.aud] : claims.aud;
  const nowSeconds = expected.nowMs / 1000;
  if (claims.iss !== claims.sub) return "iss and sub differ";
  if (audience !== expected.issuer) return `its audience is not "${expected.issuer}"`;
  if (claims.exp <= nowSeconds - clockSkewSeconds) return "it has expired";
  if (claims.exp > nowSeconds + maxAssertionSeconds + clockSkewSeconds) {
    return `it lives longer than ${maxAssertionSeconds} s`;
  }
  if (claims.nbf !== undefined && claims.nbf > nowSeconds + clockSkewSeconds) return "its time has not begun";
  return undefined;
}
