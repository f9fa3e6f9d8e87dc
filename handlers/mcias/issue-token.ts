import type { IssuedToken } from "#shared/contract/mcias.ts";
import type { Sql } from "#shared/store/database.ts";
import { tokenLifetimeSeconds } from "./domain/token-lifetime.ts";
import { newId } from "./new-id.ts";
import type { StoredAccount } from "./store/account-store.ts";
import { insertToken } from "./store/token-store.ts";
import type { TokenSigner } from "./token-signer.ts";

/** What goes into a token besides its account. */
export interface IssueTokenOptions {
  readonly signer: TokenSigner;
  readonly issuer: string;
  readonly now: Date;
  readonly audience: readonly string[];
  /** Who asked for it (RFC 9068 §2.2): a service's name, or the machine's own. */
  readonly clientId: string;
}

/** A fresh token for an account, remembered in the transaction so that it can be revoked. */
export async function issueToken(tx: Sql, account: StoredAccount, options: IssueTokenOptions): Promise<IssuedToken> {
  // Whole seconds, as the claims have no finer ones.
  const issuedAtSeconds = Math.floor(options.now.getTime() / 1000);
  const expiresAtSeconds = issuedAtSeconds + tokenLifetimeSeconds(account);
  const id = newId();
  await insertToken(tx, {
    id,
    accountId: account.id,
    issuedAtMs: issuedAtSeconds * 1000,
    expiresAtMs: expiresAtSeconds * 1000,
  });
  const token = await options.signer.sign({
    iss: options.issuer,
    sub: account.id,
    aud: [...options.audience],
    iat: issuedAtSeconds,
    exp: expiresAtSeconds,
    jti: id,
    client_id: options.clientId,
    username: account.username,
    kind: account.kind,
    roles: account.roles,
  });
  return { token, expiresAt: new Date(expiresAtSeconds * 1000).toISOString() };
}
