import type { Heartbeat } from "#shared/contract/mcp.ts";
import type { InstanceReport, NodeReport, ProxyReport } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { InstanceRow, NodeRow } from "./rows.ts";

/** The node, or `undefined`. */
export async function findNode(sql: Sql, name: string): Promise<NodeRow | undefined> {
  const row = await sql.first("SELECT * FROM node WHERE name = ?", [name]);
  return row === undefined ? undefined : NodeRow.parse(row);
}

/** All nodes by name. */
export async function listNodes(sql: Sql): Promise<NodeRow[]> {
  return (await sql.all("SELECT * FROM node ORDER BY name")).map((row) => NodeRow.parse(row));
}

/** Notes that a node was heard of. */
export async function recordHeartbeat(tx: Sql, name: string, heartbeat: Heartbeat, at: string): Promise<void> {
  await tx.run(
    `INSERT INTO node (name, address, version, last_seen_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET address = excluded.address, version = excluded.version, last_seen_at = excluded.last_seen_at`,
    [name, heartbeat.address, heartbeat.version, at],
  );
}

/** Replaces what a node reported before. */
export async function recordNodeReport(tx: Sql, name: string, report: NodeReport, at: string): Promise<void> {
  await tx.run(
    `INSERT INTO node (name, address, version, last_seen_at, applied_revision) VALUES (?, '', '', ?, ?)
     ON CONFLICT (name) DO UPDATE SET last_seen_at = excluded.last_seen_at, applied_revision = excluded.applied_revision`,
    [name, at, report.appliedRevision],
  );
  await tx.run("DELETE FROM instance WHERE node = ?", [name]);
  for (const instance of report.instances) {
    await tx.run("INSERT OR REPLACE INTO instance (node, instance, service, report) VALUES (?, ?, ?, ?)", [
      name,
      instance.instance,
      instance.service,
      JSON.stringify(instance),
    ]);
  }
}

/** Replaces what a node's proxy reported before. */
export async function recordProxyReport(tx: Sql, name: string, report: ProxyReport, at: string): Promise<void> {
  await tx.run(
    `INSERT INTO node
       (name, address, version, last_seen_at, proxy_revision, proxy_problems, proxy_draining, proxy_report, proxy_reported_at)
     VALUES (?, '', '', ?, ?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET proxy_revision = excluded.proxy_revision, proxy_problems = excluded.proxy_problems,
       proxy_draining = excluded.proxy_draining, proxy_report = excluded.proxy_report,
       proxy_reported_at = excluded.proxy_reported_at`,
    [
      name,
      at,
      report.appliedRevision,
      JSON.stringify(report.problems),
      JSON.stringify(report.draining),
      JSON.stringify(report),
      at,
    ],
  );
}

/** The instances of a service on a node. */
export async function listServiceInstances(sql: Sql, node: string, service: string): Promise<InstanceReport[]> {
  const rows = await sql.all("SELECT node, report FROM instance WHERE node = ? AND service = ? ORDER BY instance", [
    node,
    service,
  ]);
  return rows.map((row) => InstanceRow.parse(row).report);
}

/** The instances of a node. */
export async function listNodeInstances(sql: Sql, node: string): Promise<InstanceReport[]> {
  const rows = await sql.all("SELECT node, report FROM instance WHERE node = ? ORDER BY instance", [node]);
  return rows.map((row) => InstanceRow.parse(row).report);
}

/** All instances, by service and instance. */
export async function listInstances(sql: Sql): Promise<InstanceRow[]> {
  const rows = await sql.all("SELECT node, report FROM instance ORDER BY service, instance");
  return rows.map((row) => InstanceRow.parse(row));
}

/**
 * Makes sure that a node has been heard of.
 *
 * @throws {PlatformError} not-found — when it has not
 */
export async function assertNodeIsKnown(sql: Sql, name: string, action: string): Promise<void> {
  if (await findNode(sql, name) !== undefined) return;
  throw new PlatformError(
    "not-found",
    `Cannot ${action}: node "${name}" is not known, expected an enrolled node`,
    { details: { next: "mcp node list" } },
  );
}
