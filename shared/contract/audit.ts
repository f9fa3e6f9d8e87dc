import { z } from "zod";
import { AuditEvent } from "../store/audit.ts";

/** Query of the audit lists. */
export const AuditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  /** Continues below this event id. */
  before: z.coerce.number().int().min(1).optional(),
});

/** A page of an audit log, newest first. */
export const AuditPage = z.object({ events: z.array(AuditEvent) });
