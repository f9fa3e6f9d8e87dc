import { z } from "zod";
import type { Deployment, DeploymentEvent } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { DeploymentRow, EventRow } from "./rows.ts";

/** The deployment as people see it. */
export function toDeployment(row: DeploymentRow): Deployment {
  return {
    id: row.id,
    service: row.service,
    kind: row.kind,
    revision: row.revision,
    status: row.status,
    createdBy: row.created_by,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    error: row.error,
  };
}

/** The deployment, or `undefined`. */
export async function findDeployment(sql: Sql, id: string | null): Promise<DeploymentRow | undefined> {
  const row = await sql.first("SELECT * FROM deployment WHERE id = ?", [id]);
  return row === undefined ? undefined : DeploymentRow.parse(row);
}

/**
 * The deployment.
 *
 * @throws {PlatformError} not-found — when it is not known
 */
export async function getDeployment(sql: Sql, id: string): Promise<DeploymentRow> {
  const deployment = await findDeployment(sql, id);
  if (deployment === undefined) throw new PlatformError("not-found", `Cannot find deployment "${id}": it is not known`);
  return deployment;
}

/** The newest deployments of a service, newest first. */
export async function listDeployments(sql: Sql, service: string, limit: number): Promise<DeploymentRow[]> {
  const rows = await sql.all(
    "SELECT * FROM deployment WHERE service = ? ORDER BY created_at DESC, rowid DESC LIMIT ?",
    [service, limit],
  );
  return rows.map((row) => DeploymentRow.parse(row));
}

/** What a new deployment starts with. */
export type NewDeployment = Pick<
  DeploymentRow,
  "id" | "service" | "node" | "kind" | "revision" | "status" | "components" | "baseline" | "created_by" | "created_at"
>;

/** Inserts a deployment. */
export async function insertDeployment(tx: Sql, deployment: NewDeployment): Promise<void> {
  await tx.run(
    `INSERT INTO deployment (id, service, node, kind, revision, status, components, baseline, created_by, created_at, phase_started_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      deployment.id,
      deployment.service,
      deployment.node,
      deployment.kind,
      deployment.revision,
      deployment.status,
      JSON.stringify(deployment.components),
      JSON.stringify(deployment.baseline),
      deployment.created_by,
      deployment.created_at,
      deployment.created_at,
    ],
  );
}

/** Columns that change as a deployment goes on. */
export interface DeploymentChange {
  readonly status?: DeploymentRow["status"];
  readonly routes_revision?: number | null;
  readonly released?: 0 | 1;
  readonly phase_started_at?: string;
  readonly finished_at?: string;
  readonly error?: string;
}

/** Changes columns of a deployment. */
export async function updateDeployment(tx: Sql, id: string, change: DeploymentChange): Promise<void> {
  const columns = Object.entries(change);
  await tx.run(`UPDATE deployment SET ${columns.map(([column]) => `${column} = ?`).join(", ")} WHERE id = ?`, [
    ...columns.map(([, value]) => value),
    id,
  ]);
}

/** What a new event says; number, time and age are filled in. */
export type NewEvent = Omit<DeploymentEvent, "sequence" | "at" | "elapsedMs" | "component"> & {
  readonly component?: string | undefined;
};

/** Appends an event to a deployment's progress. */
export async function appendEvent(
  tx: Sql,
  deployment: Pick<DeploymentRow, "id" | "created_at">,
  now: Date,
  event: NewEvent,
): Promise<void> {
  const row = await tx.first(
    "SELECT coalesce(max(sequence), 0) + 1 AS sequence FROM deployment_event WHERE deployment_id = ?",
    [deployment.id],
  );
  const sequence = z.object({ sequence: z.int() }).parse(row).sequence;
  const full: DeploymentEvent = {
    ...event,
    component: event.component ?? null,
    sequence,
    at: now.toISOString(),
    elapsedMs: Math.max(0, now.getTime() - Date.parse(deployment.created_at)),
  };
  await tx.run("INSERT INTO deployment_event (deployment_id, sequence, event) VALUES (?, ?, ?)", [
    deployment.id,
    sequence,
    JSON.stringify(full),
  ]);
}

/** The events after a sequence number, in order. */
export async function listEvents(sql: Sql, id: string, after: number): Promise<DeploymentEvent[]> {
  const rows = await sql.all(
    "SELECT event FROM deployment_event WHERE deployment_id = ? AND sequence > ? ORDER BY sequence LIMIT 1000",
    [
      id,
      after,
    ],
  );
  return rows.map((row) => EventRow.parse(row).event);
}
