import type { FeedHub } from "#shared/feed/feed-hub.ts";
import type { Database } from "#shared/store/database.ts";

/** What the routes of MCNS share. */
export interface McnsContext {
  readonly database: Database;
  /** Every transaction that changes a zone goes through it, so that name servers wake. */
  readonly feed: FeedHub;
  readonly now: () => Date;
  readonly newId: () => string;
}
