import type { TokenValidator } from "#shared/contract/server.ts";
import type { FeedHub } from "#shared/feed/feed-hub.ts";
import type { Log } from "#shared/log/log.ts";
import type { Database } from "#shared/store/database.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import type { TokenSigner } from "./token-signer.ts";

/** What the routes of MCIAS share. */
export interface MciasContext {
  readonly database: Database;
  /** Every transaction that may revoke tokens goes through it, so that subscribers wake. */
  readonly feed: FeedHub;
  readonly now: () => Date;
  readonly log: Log;
  /** The claim `iss` of tokens, and the audience of assertions. */
  readonly issuer: string;
  readonly hasher: PasswordHasher;
  readonly signer: TokenSigner;
  readonly validator: TokenValidator;
}
