import { z } from "zod";
import { AuditEvent } from "../store/audit.ts";
import { Empty, type Endpoint, endpoint, type Nothing } from "./endpoint.ts";

/** Query of the audit lists. */
export const AuditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  /** Continues below this event id. */
  before: z.coerce.number().int().min(1).optional(),
});

/** A page of an audit log, newest first. */
export const AuditPage = z.object({ events: z.array(AuditEvent) });

/** A page of the audit log of one system: `GET /v1/audit/<system>`, for admins. */
export function auditEndpoint(
  system: string,
): Endpoint<typeof Empty, typeof AuditQuery, typeof Nothing, typeof AuditPage> {
  return endpoint({
    id: "audit.list",
    method: "GET",
    path: `/v1/audit/${system}`,
    summary: "List what happened in the system, newest first",
    access: ["admin"],
    params: Empty,
    query: AuditQuery,
    answer: AuditPage,
  });
}
