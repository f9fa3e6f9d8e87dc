import { z } from "zod";
import type { Sql } from "#shared/store/database.ts";
import type { RepositoryName } from "../domain/name.ts";

const IdRow = z.object({ id: z.int() });

/** The row id of a repository, made on its first use. */
export async function ensureRepositoryId(tx: Sql, name: RepositoryName, at: string): Promise<number> {
  await tx.run("INSERT INTO repository (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", [name, at]);
  return IdRow.parse(await tx.first("SELECT id FROM repository WHERE name = ?", [name])).id;
}

/** The row id of a repository, or `undefined` when nothing was ever pushed to it. */
export async function findRepositoryId(sql: Sql, name: RepositoryName): Promise<number | undefined> {
  const row = await sql.first("SELECT id FROM repository WHERE name = ?", [name]);
  return row === undefined ? undefined : IdRow.parse(row).id;
}
