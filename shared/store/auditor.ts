import type { Log } from "../log/log.ts";
import { type AuditEvent, recordAudit } from "./audit.ts";
import type { Sql } from "./database.ts";

/** Appends to an audit log. */
export type Auditor = (event: Omit<AuditEvent, "id">) => Promise<void>;

/** What {@link createAuditor} needs. */
export interface AuditorOptions {
  readonly now: () => Date;
  /** Told when strangers' events are left out. */
  readonly log: Log;
}

/** Refusals of strangers that are written at once. */
export const strangerBurst = 100;
/** What a stranger may write at most: a path in full is up to the stranger. */
const strangerResourceLength = 512;

/**
 * An auditor that writes everything, except that refusals of strangers are written 100 at once and then one a second: whoever has
 * no account must not be able to fill the disk or to make each of their requests cost a write. How many were left out is logged.
 */
export function createAuditor(sql: Sql, { now, log }: AuditorOptions): Auditor {
  let left = strangerBurst;
  let filledAtMs = now().getTime();
  let leftOut = 0;

  function mayWrite(): boolean {
    const nowMs = now().getTime();
    // A clock that went back gives nothing, and starts the count anew.
    left = Math.min(strangerBurst, left + Math.max(0, nowMs - filledAtMs) / 1000);
    filledAtMs = nowMs;
    if (left < 1) return false;
    left -= 1;
    return true;
  }

  return async (event) => {
    if (event.actor !== null || event.outcome === "allowed") return await recordAudit(sql, event);
    if (!mayWrite()) {
      leftOut += 1;
      if (leftOut === 1) log.warn("refusals of strangers come too fast: not all are audited", { action: event.action });
      return;
    }
    if (leftOut > 0) log.warn("refusals of strangers were not audited", { leftOut });
    leftOut = 0;
    await recordAudit(sql, { ...event, resource: event.resource.slice(0, strangerResourceLength) });
  };
}
