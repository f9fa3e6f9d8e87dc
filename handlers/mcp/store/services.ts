import type { ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { NameRow, ServiceRow } from "./rows.ts";

/** The service, or `undefined`. */
export async function findService(sql: Sql, name: string): Promise<ServiceRow | undefined> {
  const row = await sql.first("SELECT * FROM service WHERE name = ?", [name]);
  return row === undefined ? undefined : ServiceRow.parse(row);
}

/**
 * The service.
 *
 * @throws {PlatformError} not-found — when it is not known
 */
export async function getService(sql: Sql, name: string): Promise<ServiceRow> {
  const service = await findService(sql, name);
  if (service !== undefined) return service;
  const known = (await sql.all("SELECT name FROM service ORDER BY name LIMIT 20")).map((row) =>
    NameRow.parse(row).name
  );
  throw new PlatformError(
    "not-found",
    `Cannot find service "${name}": it is not known, expected ${
      known.length === 0 ? "a deployed or synced one" : `one of: ${known.join(", ")}`
    }`,
  );
}

/** All services by name. */
export async function listServices(sql: Sql): Promise<ServiceRow[]> {
  return (await sql.all("SELECT * FROM service ORDER BY name")).map((row) => ServiceRow.parse(row));
}

/** Who stores a definition, and when. */
export interface Authorship {
  readonly by: string;
  readonly at: string;
}

/** Stores a definition; one that differs from the stored one becomes a new, immutable revision. */
export async function storeDefinition(
  tx: Sql,
  definition: ServiceDefinition,
  authorship: Authorship,
): Promise<{ revision: number; changed: boolean }> {
  const text = JSON.stringify(definition);
  const known = await findService(tx, definition.name);
  if (known !== undefined && JSON.stringify(known.definition) === text) {
    return { revision: known.revision, changed: false };
  }
  const last = await tx.first("SELECT coalesce(max(number), 0) AS number FROM revision WHERE service = ?", [
    definition.name,
  ]);
  const revision = Number(last?.["number"] ?? 0) + 1;
  await tx.run("INSERT INTO revision (service, number, definition, created_by, created_at) VALUES (?, ?, ?, ?, ?)", [
    definition.name,
    revision,
    text,
    authorship.by,
    authorship.at,
  ]);
  await tx.run(
    `INSERT INTO service (name, node, definition, revision, desired) VALUES (?, ?, ?, ?, 'defined')
     ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, revision = excluded.revision,
       node = CASE WHEN service.desired = 'defined' THEN excluded.node ELSE service.node END`,
    [definition.name, definition.node, text, revision],
  );
  return { revision, changed: true };
}

/** The columns of a service that deployments change. */
export type ServiceChange = Partial<
  Pick<
    ServiceRow,
    "node" | "desired" | "active_deployment" | "routed_deployment" | "open_deployment" | "restart_generation"
  >
>;

/** Changes columns of a service. */
export async function updateService(tx: Sql, name: string, change: ServiceChange): Promise<void> {
  const columns = Object.entries(change);
  await tx.run(`UPDATE service SET ${columns.map(([column]) => `${column} = ?`).join(", ")} WHERE name = ?`, [
    ...columns.map(([, value]) => value),
    name,
  ]);
}

/** Removes a service; its revisions and deployments stay as history. */
export async function removeService(tx: Sql, name: string): Promise<void> {
  await tx.run("DELETE FROM service WHERE name = ?", [name]);
}
