import type { Zone } from "#shared/contract/mcns.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Sql } from "#shared/store/database.ts";
import { nextSerial } from "./domain/serial.ts";
import { findSerial, insertZone, listZones, publishZone } from "./store/zone-store.ts";

/** What a new zone is made of. */
export type NewZone = Pick<Zone, "name" | "primaryServer" | "adminMailbox">;

/** Most zones. */
export const maxZones = 1_000;

/** Timers for secondaries, and a negative TTL that suits names which come and go with deploys (RFC 1912 §2.2, RFC 2308 §5). */
const timers = { refreshSeconds: 3600, retrySeconds: 600, expireSeconds: 1_209_600, minimumSeconds: 30 } as const;

/**
 * Creates a zone without records and sends it to the name servers.
 *
 * @throws {PlatformError} conflict — when there is one of that name, or there are too many
 */
export async function createZone(tx: Sql, zone: NewZone, now: Date): Promise<Zone> {
  const zones = await listZones(tx);
  if (zones.some(({ name }) => name === zone.name)) {
    throw new PlatformError("conflict", `Cannot create the zone "${zone.name}": it exists, expected a new name`);
  }
  if (zones.length >= maxZones) {
    throw new PlatformError(
      "conflict",
      `Cannot create the zone "${zone.name}": there are ${zones.length}, expected at most ${maxZones}`,
    );
  }
  const { name, primaryServer, adminMailbox } = zone;
  const created = { name, primaryServer, adminMailbox, ...timers, serial: nextSerial(await findSerial(tx, name), now) };
  await insertZone(tx, created);
  await publishZone(tx, { ...created, records: [] });
  return created;
}
