import { z } from "zod";
import type { Sql } from "./database.ts";
import type { Migration } from "./migrate.ts";

/** The table behind {@link recordAudit}; each system lists it among its migrations. */
export const auditMigration: Migration = {
  id: "0000-audit",
  sql: `
    CREATE TABLE audit_event (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      actor TEXT,
      action TEXT NOT NULL,
      resource TEXT NOT NULL,
      outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'denied', 'failed')),
      code TEXT,
      request_id TEXT,
      client_ip TEXT
    ) STRICT;
    CREATE INDEX audit_event_at ON audit_event (at);
  `,
};

/** One line of the audit log: who tried what on which resource, and how it ended. */
export const AuditEvent = z.object({
  id: z.int(),
  at: z.string(),
  actor: z.string().nullable(),
  action: z.string(),
  resource: z.string(),
  outcome: z.enum(["allowed", "denied", "failed"]),
  code: z.string().nullable(),
  requestId: z.string().nullable(),
  clientIp: z.string().nullable(),
});
/** One line of the audit log. */
export type AuditEvent = z.infer<typeof AuditEvent>;

/** Appends one event. */
export async function recordAudit(sql: Sql, event: Omit<AuditEvent, "id">): Promise<void> {
  await sql.run(
    "INSERT INTO audit_event (at, actor, action, resource, outcome, code, request_id, client_ip) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [event.at, event.actor, event.action, event.resource, event.outcome, event.code, event.requestId, event.clientIp],
  );
}

/** The newest events first; `before` continues below an id. */
export async function listAudit(
  sql: Sql,
  page: { readonly limit: number; readonly before?: number },
): Promise<AuditEvent[]> {
  const rows = await sql.all(
    `SELECT id, at, actor, action, resource, outcome, code, request_id AS requestId, client_ip AS clientIp
     FROM audit_event WHERE id < ? ORDER BY id DESC LIMIT ?`,
    [page.before ?? Number.MAX_SAFE_INTEGER, page.limit],
  );
  return rows.map((row) => AuditEvent.parse(row));
}
