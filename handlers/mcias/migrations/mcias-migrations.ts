import { feedMigration } from "#shared/feed/feed-store.ts";
import { auditMigration } from "#shared/store/audit.ts";
import type { Migration } from "#shared/store/migrate.ts";
import { accountsMigration } from "./0001-accounts.ts";

/** All steps of the MCIAS schema, oldest first. */
export const mciasMigrations: readonly Migration[] = [auditMigration, feedMigration, accountsMigration];
