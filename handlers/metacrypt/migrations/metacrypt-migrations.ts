import { auditMigration } from "#shared/store/audit.ts";
import type { Migration } from "#shared/store/migrate.ts";
import { certificatesMigration } from "./0001-certificates.ts";

/** All steps of the Metacrypt schema, oldest first. */
export const metacryptMigrations: readonly Migration[] = [auditMigration, certificatesMigration];
