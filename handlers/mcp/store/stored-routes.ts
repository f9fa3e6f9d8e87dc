import type { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import type { Sql } from "#shared/store/database.ts";
import { StoredRouteRow } from "./rows.ts";

/** What names a stored route. */
export interface StoredRouteKey {
  readonly node: string;
  readonly hostname: string;
  readonly port: number;
}

/** The stored routes of one node, or of all. */
export async function listStoredRoutes(sql: Sql, node?: string): Promise<StoredRouteRow[]> {
  const rows = node === undefined
    ? await sql.all("SELECT * FROM stored_route ORDER BY node, hostname, port")
    : await sql.all("SELECT * FROM stored_route WHERE node = ? ORDER BY hostname, port", [node]);
  return rows.map((row) => StoredRouteRow.parse(row));
}

/** The stored route, or `undefined`. */
export async function findStoredRoute(sql: Sql, key: StoredRouteKey): Promise<StoredRouteRow | undefined> {
  const row = await sql.first("SELECT * FROM stored_route WHERE node = ? AND hostname = ? AND port = ?", [
    key.node,
    key.hostname,
    key.port,
  ]);
  return row === undefined ? undefined : StoredRouteRow.parse(row);
}

/** Stores a route, in place of the one with its key. */
export async function upsertStoredRoute(
  tx: Sql,
  node: string,
  route: StoredRouteDefinition,
  authorship: { readonly by: string; readonly at: string },
): Promise<void> {
  await tx.run(
    `INSERT OR REPLACE INTO stored_route (node, hostname, port, definition, created_by, created_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
    [node, route.hostname, route.port, JSON.stringify(route), authorship.by, authorship.at],
  );
}

/** Removes a stored route. */
export async function removeStoredRoute(tx: Sql, { node, hostname, port }: StoredRouteKey): Promise<void> {
  await tx.run("DELETE FROM stored_route WHERE node = ? AND hostname = ? AND port = ?", [node, hostname, port]);
}
