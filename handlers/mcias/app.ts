import type { Hono } from "hono";
import { type Api, createApi, type TokenValidator } from "#shared/contract/server.ts";
import { createFeedHub, type FeedHub } from "#shared/feed/feed-hub.ts";
import type { Log } from "#shared/log/log.ts";
import { createAuditor } from "#shared/store/auditor.ts";
import type { Database } from "#shared/store/database.ts";
import { createSealedBox } from "#shared/store/sealed-box.ts";
import { type Bootstrap, createBootstrap } from "./bootstrap.ts";
import type { MciasContext } from "./context.ts";
import { createPasswordHasher, type PasswordHasher } from "./password-hasher.ts";
import { implementChangePassword } from "./routes/change-password.ts";
import { implementCreateAccount } from "./routes/create-account.ts";
import { implementCreateJoinToken } from "./routes/create-join-token.ts";
import { implementDeleteAccount } from "./routes/delete-account.ts";
import { implementEnrol } from "./routes/enrol.ts";
import { implementExchangeAssertion } from "./routes/exchange-assertion.ts";
import { implementForwardAuth } from "./routes/forward-auth.ts";
import { implementJwks } from "./routes/jwks.ts";
import { implementListAccounts } from "./routes/list-accounts.ts";
import { implementListAudit } from "./routes/list-audit.ts";
import { implementLogin } from "./routes/login.ts";
import { implementLogout } from "./routes/logout.ts";
import { implementRenew } from "./routes/renew.ts";
import { implementRevocationFeed } from "./routes/revocation-feed.ts";
import { implementRevocationStream } from "./routes/revocation-stream.ts";
import { implementUpdateAccount } from "./routes/update-account.ts";
import { implementValidateToken } from "./routes/validate-token.ts";
import { implementWhoami } from "./routes/whoami.ts";
import { loadSigningKeys } from "./store/signing-key-store.ts";
import { createSigningKey, createTokenSigner } from "./token-signer.ts";
import { createTokenValidator } from "./token-validator.ts";

/** What MCIAS needs. */
export interface MciasDependencies {
  /** Migrated with `mciasMigrations`. */
  readonly database: Database;
  readonly now: () => Date;
  readonly log: Log;
  /** Origin of MCIAS, the claim `iss` of its tokens. */
  readonly issuer: string;
  /** 32 bytes that the private signing keys are encrypted with at rest. */
  readonly masterKey: Uint8Array;
  /** A hasher with the default cost unless given. */
  readonly hasher?: PasswordHasher;
}

/** A running MCIAS. */
export interface Mcias extends AsyncDisposable {
  readonly app: Hono;
  /** For the systems in the same process. */
  readonly validator: TokenValidator;
  /** The feed of the database; disposed with MCIAS. */
  readonly feed: FeedHub;
  readonly bootstrap: Bootstrap;
}

/**
 * MCIAS over its database; the first start ever makes its signing key.
 *
 * @throws {PlatformError} sealed — when the master key is not the one that the database was created with
 */
export async function createMcias(deps: MciasDependencies): Promise<Mcias> {
  const { database, now, log, issuer } = deps;
  const box = createSealedBox(deps.masterKey);
  const keys = await loadSigningKeys(database, box, { create: createSigningKey, nowMs: now().getTime() });
  const signer = await createTokenSigner(keys);
  const hasher = deps.hasher ?? await createPasswordHasher();
  const validator = createTokenValidator({ database, signer, issuer, now });
  const feed = createFeedHub(database);
  const context: MciasContext = { database, feed, now, log, issuer, hasher, signer, validator };
  const api = createApi({ system: "mcias", validator, log, now, audit: createAuditor(database, { now, log }) });
  implementAll(api, context);
  return {
    app: api.app,
    validator,
    feed,
    bootstrap: createBootstrap(context),
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}

function implementAll(api: Api, context: MciasContext): void {
  implementWhoami(api);
  for (const implement of routes) implement(api, context);
}

const routes: readonly ((api: Api, context: MciasContext) => void)[] = [
  implementLogin,
  implementLogout,
  implementRenew,
  implementChangePassword,
  implementValidateToken,
  implementForwardAuth,
  implementExchangeAssertion,
  implementJwks,
  implementCreateJoinToken,
  implementEnrol,
  implementListAccounts,
  implementCreateAccount,
  implementUpdateAccount,
  implementDeleteAccount,
  implementRevocationFeed,
  implementRevocationStream,
  implementListAudit,
];
