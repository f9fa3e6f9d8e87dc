import type { StoredRecord, Zone } from "#shared/contract/mcns.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import type { McnsContext } from "./context.ts";
import { isSameZone, publishRecords } from "./domain/publish-records.ts";
import { nextSerial } from "./domain/serial.ts";
import { deleteRecords, insertRecords, listRecords } from "./store/record-store.ts";
import { getZone, publishZone } from "./store/zone-store.ts";

/** Most records of a zone, as the feed's ZoneState allows. */
export const maxRecords = 100_000;

/** Which rows of a zone change. */
export interface RecordChange {
  readonly added: readonly StoredRecord[];
  readonly removed: readonly StoredRecord[];
}

/** What a change came to. */
export interface ZoneChange {
  /** Whether a client of the DNS can see a difference. */
  readonly changed: boolean;
  /** The zone's serial afterwards. */
  readonly serial: number;
}

/**
 * Changes the records of a zone, in one transaction with the new serial and the feed entry. What no client can see raises no serial.
 *
 * @throws {PlatformError} not-found — when the zone does not exist; conflict — when it would have too many records
 */
export async function changeZone(
  context: McnsContext,
  zoneName: string,
  plan: (current: readonly StoredRecord[], tx: Sql) => Promise<RecordChange> | RecordChange,
): Promise<ZoneChange> {
  return await context.feed.transaction(async (tx) => {
    const zone = await getZone(tx, zoneName);
    const before = await listRecords(tx, zoneName);
    const { added, removed } = await plan(before, tx);
    if (added.length === 0 && removed.length === 0) return { changed: false, serial: zone.serial };
    const removedIds = new Set(removed.map(({ id }) => id));
    const after = [...before.filter(({ id }) => !removedIds.has(id)), ...added];
    if (after.length > maxRecords) throw tooMany(zoneName, after.length);
    await deleteRecords(tx, removed);
    await insertRecords(tx, zoneName, added);
    return await publishIfVisible(context, tx, { zone, before, after });
  });
}

async function publishIfVisible(
  { now }: McnsContext,
  tx: Sql,
  change: { readonly zone: Zone; readonly before: readonly StoredRecord[]; readonly after: readonly StoredRecord[] },
): Promise<ZoneChange> {
  const { zone } = change;
  const records = publishRecords(change.after);
  if (isSameZone(records, publishRecords(change.before))) return { changed: false, serial: zone.serial };
  const serial = nextSerial(zone.serial, now());
  await publishZone(tx, { ...zone, serial, records });
  return { changed: true, serial };
}

function tooMany(zone: string, count: number): PlatformError {
  return new PlatformError(
    "conflict",
    `Cannot change the zone "${zone}": it would have ${count} records, expected at most ${maxRecords}`,
  );
}
