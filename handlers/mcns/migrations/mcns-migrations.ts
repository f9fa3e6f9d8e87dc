import { feedMigration } from "#shared/feed/feed-store.ts";
import { auditMigration } from "#shared/store/audit.ts";
import type { Migration } from "#shared/store/migrate.ts";
import { zonesMigration } from "./0001-zones.ts";

/** All steps of the MCNS schema, oldest first. */
export const mcnsMigrations: readonly Migration[] = [auditMigration, feedMigration, zonesMigration];
