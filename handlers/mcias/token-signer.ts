import { generateKeyPairSync } from "node:crypto";
import { calculateJwkThumbprint, errors, importJWK, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { Ed25519PublicJwk } from "#shared/contract/mcias.ts";
import { accessTokenType, clockSkewSeconds, signatureAlgorithm, TokenClaims } from "./domain/token-claims.ts";
import type { SigningKey } from "./store/signing-key-store.ts";

/** Signs access tokens and checks what does not need the database. */
export interface TokenSigner {
  /** The token (RFC 9068) with these claims, signed by the newest key. */
  sign(claims: TokenClaims): Promise<string>;
  /**
   * The claims of a token that one of the keys signed and whose time is not over.
   *
   * @throws {PlatformError} token-expired, unauthenticated — when it is not such a token
   */
  verify(token: string, expected: { readonly issuer: string; readonly now: Date }): Promise<TokenClaims>;
  /** The public keys (RFC 7517), with public members only. */
  readonly publicJwks: readonly Record<string, string>[];
}

/** A signer over these keys, newest first. */
export async function createTokenSigner(keys: readonly [SigningKey, ...SigningKey[]]): Promise<TokenSigner> {
  const [newest] = keys;
  const privateKey = await importJWK(newest.privateJwk, signatureAlgorithm);
  const publicKeys = new Map(
    await Promise.all(keys.map(async (key) => [key.id, await importJWK(key.publicJwk, signatureAlgorithm)] as const)),
  );
  return {
    publicJwks: keys.map(({ id, publicJwk: { kty, crv, x } }) => ({
      kty,
      crv,
      x,
      kid: id,
      use: "sig",
      alg: signatureAlgorithm,
    })),
    sign: (claims) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: signatureAlgorithm, typ: accessTokenType, kid: newest.id })
        .sign(privateKey),
    async verify(token, { issuer, now }) {
      try {
        const { payload } = await jwtVerify(token, ({ kid }) => publicKeys.get(kid ?? "") ?? unknownKey(), {
          algorithms: [signatureAlgorithm],
          typ: accessTokenType,
          issuer,
          currentDate: now,
          clockTolerance: clockSkewSeconds,
        });
        return TokenClaims.parse(payload);
      } catch (cause) {
        throw toTokenError(cause);
      }
    },
  };
}

/** A new Ed25519 key. */
export async function createSigningKey(): Promise<SigningKey> {
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const publicJwk = Ed25519PublicJwk.parse(jwk);
  const d = z.string().parse(jwk.d);
  return { id: await calculateJwkThumbprint(publicJwk), publicJwk, privateJwk: { ...publicJwk, d } };
}

/** Why a token is refused. The reason is not told, as only forgers could use it. */
function toTokenError(cause: unknown): PlatformError {
  if (cause instanceof errors.JWTExpired) return expiredToken(cause);
  return deadToken(cause);
}

/** The error for a token whose time is over. */
export function expiredToken(cause?: unknown): PlatformError {
  return new PlatformError("token-expired", "Cannot accept the token: it has expired, expected a fresh one", { cause });
}

/** The error for any other token that is not live. */
export function deadToken(cause?: unknown): PlatformError {
  return new PlatformError("unauthenticated", "Cannot accept the token: it is not live, expected one from MCIAS", {
    cause,
  });
}

function unknownKey(): never {
  throw new errors.JWKSNoMatchingKey();
}
