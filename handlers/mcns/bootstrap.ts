import type { Zone } from "#shared/contract/mcns.ts";
import type { ZoneRecord } from "#shared/contract/state.ts";
import { type AuditEvent, recordAudit } from "#shared/store/audit.ts";
import type { Sql } from "#shared/store/database.ts";
import { changeZone } from "./change-zone.ts";
import type { McnsContext } from "./context.ts";
import { createZone, type NewZone } from "./create-zone.ts";
import { normaliseRecord } from "./domain/normalise-record.ts";
import { findZone } from "./store/zone-store.ts";

/** What the platform makes by itself at each start. */
export interface McnsBootstrap {
  /** The zone, created unless there is one of that name. */
  ensureZone(zone: NewZone): Promise<Zone>;
  /**
   * Makes `record` the only static record of its name and type that the platform itself made; an address that has changed replaces the
   * old one, and what admins set stays.
   *
   * @throws {PlatformError} not-found — without the zone; invalid-request — when the record is not valid in it
   */
  ensureStaticRecord(zone: string, record: ZoneRecord): Promise<void>;
}

/** Owner of the records that the platform makes by itself. */
const bootstrapOwner = "bootstrap";

/** The bootstrap of an MCNS. */
export function createBootstrap(context: McnsContext): McnsBootstrap {
  const { feed, now, newId } = context;
  return {
    ensureZone: (zone) =>
      feed.transaction(async (tx) => {
        const existing = await findZone(tx, zone.name);
        if (existing !== undefined) return existing;
        await audit(tx, "zone.create", zone.name);
        return await createZone(tx, zone, now());
      }),
    async ensureStaticRecord(zone, wanted) {
      const record = normaliseRecord(wanted, zone);
      await changeZone(context, zone, async (current, tx) => {
        const same = current.filter(({ name, type, source }) =>
          source === "static" && name === record.name && type === record.type
        );
        const isThere = same.some(({ value, ttlSeconds, owner }) =>
          value === record.value && (owner !== bootstrapOwner || ttlSeconds === record.ttlSeconds)
        );
        const removed = same.filter(({ value, ttlSeconds, owner }) =>
          owner === bootstrapOwner && (value !== record.value || ttlSeconds !== record.ttlSeconds)
        );
        if (!isThere) await audit(tx, "record.create", `${record.name} ${record.type} ${record.value}`);
        return { added: isThere ? [] : [{ ...record, id: newId(), owner: bootstrapOwner, source: "static" }], removed };
      });
    },
  };

  async function audit(tx: Sql, action: string, resource: string): Promise<void> {
    const at = now().toISOString();
    const event: Omit<AuditEvent, "id"> = {
      at,
      actor: bootstrapOwner,
      action,
      resource,
      outcome: "allowed",
      code: null,
      requestId: null,
      clientIp: null,
    };
    await recordAudit(tx, event);
  }
}
