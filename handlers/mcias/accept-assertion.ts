import { compactVerify, decodeJwt, importJWK } from "jose";
import type { IssuedToken } from "#shared/contract/mcias.ts";
import { platformAudience } from "#shared/contract/principal.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { MciasContext } from "./context.ts";
import { AssertionClaims, findAssertionProblem } from "./domain/assertion-claims.ts";
import { clockSkewSeconds, signatureAlgorithm } from "./domain/token-claims.ts";
import { issueToken } from "./issue-token.ts";
import { useAssertion } from "./store/assertion-store.ts";
import { findAccount, type StoredAccount } from "./store/account-store.ts";

/**
 * A short token for the node or system account that signed an assertion about itself; each assertion is good once.
 * `onName` is told the name that the assertion claims, whether or not that is true.
 *
 * @throws {PlatformError} invalid-credentials — when the assertion is not acceptable; the answer never says why, the cause does
 */
export async function acceptAssertion(
  context: MciasContext,
  assertion: string,
  onName: (name: string) => void,
): Promise<IssuedToken> {
  const now = context.now();
  const claims = readClaims(assertion);
  onName(claims.sub);
  const account = await findAccount(context.database, claims.sub);
  if (!isMachine(account)) throw refuse("the account is not an active machine");
  await assertSignature(assertion, account);
  const problem = findAssertionProblem(claims, { issuer: context.issuer, nowMs: now.getTime() });
  if (problem !== undefined) throw refuse(problem);
  return context.feed.transaction(async (tx) => {
    const current = await findAccount(tx, claims.sub);
    if (!isMachine(current) || current.publicKey.x !== account.publicKey.x) throw refuse("the account has changed");
    const expiresAtMs = (claims.exp + clockSkewSeconds) * 1000;
    const isFirst = await useAssertion(tx, {
      accountId: account.id,
      id: claims.jti,
      expiresAtMs: Math.ceil(expiresAtMs),
      nowMs: now.getTime(),
    });
    if (!isFirst) throw refuse("it was used before");
    return issueToken(tx, current, { ...context, now, audience: [platformAudience], clientId: current.username });
  });
}

type Machine = StoredAccount & { readonly publicKey: NonNullable<StoredAccount["publicKey"]> };

function isMachine(account: StoredAccount | undefined): account is Machine {
  return account?.status === "active" && account.kind !== "human" && account.publicKey !== null;
}

/** The claims, of which nothing is known to be true yet. */
function readClaims(assertion: string): AssertionClaims {
  try {
    return AssertionClaims.parse(decodeJwt(assertion));
  } catch (cause) {
    throw refuse(cause);
  }
}

async function assertSignature(assertion: string, account: Machine): Promise<void> {
  try {
    const key = await importJWK(account.publicKey, signatureAlgorithm);
    await compactVerify(assertion, key, { algorithms: [signatureAlgorithm] });
  } catch (cause) {
    throw refuse(cause);
  }
}

function refuse(cause: unknown): PlatformError {
  return new PlatformError(
    "invalid-credentials",
    "Cannot accept the assertion, expected a fresh one that is signed by the account's key",
    { cause },
  );
}
