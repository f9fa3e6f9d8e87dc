import type { StoredRecord } from "#shared/contract/mcns.ts";
import type { ZoneRecord } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { changeZone } from "./change-zone.ts";
import type { McnsContext } from "./context.ts";
import { normaliseRecord } from "./domain/normalise-record.ts";
import { isExcluded } from "./domain/publish-records.ts";
import { listZones } from "./store/zone-store.ts";

/**
 * Stores a static record.
 *
 * @throws {PlatformError} invalid-request — when the record is not valid in the zone; not-found — without the zone;
 * conflict — when it exists, or an alias would not be alone at its name
 */
export async function createStaticRecord(
  context: McnsContext,
  zone: string,
  wanted: { readonly record: ZoneRecord; readonly owner: string },
): Promise<StoredRecord> {
  const record = normaliseRecord(wanted.record, zone);
  const created: StoredRecord = { ...record, id: context.newId(), owner: wanted.owner, source: "static" };
  await changeZone(context, zone, async (current, tx) => {
    assertInNoInnerZone(record, zone, (await listZones(tx)).map(({ name }) => name));
    assertPossible(record, current.filter(({ name }) => name === record.name));
    return { added: [created], removed: [] };
  });
  return created;
}

/** A name below another of our zones would never be answered from this one. */
function assertInNoInnerZone(record: ZoneRecord, zone: string, zones: readonly string[]): void {
  const inner = zones.find((name) =>
    name.length > zone.length && (record.name === name || record.name.endsWith(`.${name}`))
  );
  if (inner === undefined) return;
  throw new PlatformError(
    "invalid-request",
    `Cannot create the record "${record.name}" in "${zone}": expected it in the zone "${inner}"`,
  );
}

function assertPossible(record: ZoneRecord, sameName: readonly StoredRecord[]): void {
  const isStored = ({ type, value, source }: StoredRecord) =>
    source === "static" && type === record.type && value === record.value;
  if (sameName.some(isStored)) {
    throw new PlatformError(
      "conflict",
      `Cannot create the record "${record.name} ${record.type} ${record.value}": it exists`,
    );
  }
  if (!isExcluded(record, new Set(sameName.map(({ type }) => type)))) return;
  const others = sameName.map(({ type, source, owner }) => `${type} (${source}, ${owner})`).join(", ");
  throw new PlatformError(
    "conflict",
    `Cannot create the record "${record.name} ${record.type}": the name has ${others}, expected an alias alone at its name`,
  );
}
