import type { StoredRecord } from "#shared/contract/mcns.ts";
import type { ZoneRecord } from "#shared/contract/state.ts";

/**
 * The records that name servers get, in a fixed order. A CNAME is alone at its name (RFC 2181 §10.1): where stored records disagree, what an
 * admin set wins over what was derived, and then the owner whose name comes first. So one service cannot keep the names of the others
 * from being published.
 */
export function publishRecords(stored: readonly StoredRecord[]): ZoneRecord[] {
  const published = new Map<string, ZoneRecord>();
  const typesByName = new Map<string, Set<string>>();
  for (const record of stored.toSorted(byPrecedence)) {
    const types = typesByName.get(record.name) ?? new Set();
    const key = `${record.name} ${record.type} ${record.value}`;
    if (published.has(key) || isExcluded(record, types)) continue;
    typesByName.set(record.name, types.add(record.type));
    const { name, type, value, ttlSeconds } = record;
    published.set(key, { name, type, value, ttlSeconds });
  }
  return [...published].toSorted(([a], [b]) => compare(a, b)).map(([, record]) => record);
}

/** Whether a record cannot be at a name that has these types. */
export function isExcluded(record: Pick<ZoneRecord, "type">, types: ReadonlySet<string>): boolean {
  return types.has("CNAME") || (record.type === "CNAME" && types.size > 0);
}

/** Says whether two lists of published records are the same to a client. */
export function isSameZone(a: readonly ZoneRecord[], b: readonly ZoneRecord[]): boolean {
  return a.length === b.length && a.every((record, index) => isSameRecord(record, b[index]));
}

function isSameRecord(a: ZoneRecord, b: ZoneRecord | undefined): boolean {
  return a.name === b?.name && a.type === b.type && a.value === b.value && a.ttlSeconds === b.ttlSeconds;
}

function byPrecedence(a: StoredRecord, b: StoredRecord): number {
  if (a.source !== b.source) return a.source === "static" ? -1 : 1;
  return compare(`${a.owner} ${a.name} ${a.type} ${a.value}`, `${b.owner} ${b.name} ${b.type} ${b.value}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
