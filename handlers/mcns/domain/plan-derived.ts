import type { StoredRecord } from "#shared/contract/mcns.ts";
import type { ZoneRecord } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { isExcluded } from "./publish-records.ts";

/** Which rows change so that an owner's derived records are the wanted ones. */
export interface DerivedPlan {
  readonly added: readonly ZoneRecord[];
  readonly removed: readonly StoredRecord[];
}

/**
 * The rows that differ between an owner's derived records and the wanted ones; a changed TTL is a removal and an addition.
 *
 * @throws {PlatformError} conflict — when the wanted records have an alias beside other records of the same name
 */
export function planDerived(current: readonly StoredRecord[], wanted: readonly ZoneRecord[]): DerivedPlan {
  const wantedByKey = new Map(wanted.map((record) => [toKey(record), record]));
  assertConsistent([...wantedByKey.values()]);
  const currentByKey = new Map(current.map((record) => [toKey(record), record]));
  return {
    added: [...wantedByKey.values()].filter((record) =>
      currentByKey.get(toKey(record))?.ttlSeconds !== record.ttlSeconds
    ),
    removed: current.filter((record) => wantedByKey.get(toKey(record))?.ttlSeconds !== record.ttlSeconds),
  };
}

function assertConsistent(records: readonly ZoneRecord[]): void {
  const typesByName = new Map<string, Set<string>>();
  for (const record of records) {
    const types = typesByName.get(record.name) ?? new Set();
    if (isExcluded(record, types)) {
      throw new PlatformError(
        "conflict",
        `Cannot derive the records of "${record.name}": an alias is among them, expected it alone`,
      );
    }
    typesByName.set(record.name, types.add(record.type));
  }
}

function toKey({ name, type, value }: ZoneRecord): string {
  return `${name} ${type} ${value}`;
}
