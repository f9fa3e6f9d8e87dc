import type { Database } from "#shared/store/database.ts";
import type { Authority } from "./authority.ts";

/** What the routes of Metacrypt share. */
export interface MetacryptContext {
  readonly database: Database;
  readonly now: () => Date;
  /** The platform's domain, under which admins may have any name. */
  readonly domain: string;
  readonly authority: Authority;
}
