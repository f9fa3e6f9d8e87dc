import { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import type { Database, Sql } from "./database.ts";

/** One forward step of a schema. Steps are never edited once released, only added. */
export interface Migration {
  /** Unique, ascending: `0001-accounts`. */
  readonly id: string;
  /** Statements separated by `;` at the end of a line. */
  readonly sql: string;
}

const MigrationRow = z.object({ id: z.string() });

/**
 * Applies the migrations that the database has not seen, each in a transaction of its own, in order. Idempotent.
 *
 * @throws {PlatformError} conflict — when the database was migrated by a newer release
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  await database.run(
    "CREATE TABLE IF NOT EXISTS schema_migration (id TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT",
  );
  const known = new Set(migrations.map((migration) => migration.id));
  const applied = new Set(
    (await database.all("SELECT id FROM schema_migration")).map((row) => MigrationRow.parse(row).id),
  );
  const unknown = [...applied].filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new PlatformError(
      "conflict",
      `Cannot open the database: it has the migrations ${unknown.join(", ")} of a newer release, expected at most ${
        migrations.at(-1)?.id
      }`,
    );
  }
  for (const migration of migrations) {
    if (!applied.has(migration.id)) await database.transaction((tx) => apply(tx, migration));
  }
}

async function apply(tx: Sql, migration: Migration): Promise<void> {
  for (const statement of splitStatements(migration.sql)) await tx.run(statement);
  await tx.run("INSERT INTO schema_migration (id, applied_at) VALUES (?, ?)", [migration.id, new Date().toISOString()]);
}

/** Splits at `;` that ends a line, so that a `;` inside a string or trigger body does not count. */
function splitStatements(sql: string): string[] {
  return sql
    .split(/;[ \t]*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
