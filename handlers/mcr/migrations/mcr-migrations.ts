import { auditMigration } from "#shared/store/audit.ts";
import type { Migration } from "#shared/store/migrate.ts";
import { registryMigration } from "./0001-registry.ts";

/** All steps of the registry's schema, in order. */
export const mcrMigrations: readonly Migration[] = [auditMigration, registryMigration];
