import { z } from "zod";
import { Zone } from "#shared/contract/mcns.ts";
import type { ZoneState } from "#shared/contract/state.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { appendFeed } from "#shared/feed/feed-store.ts";
import type { Sql } from "#shared/store/database.ts";

/** The feed topic that name servers follow. */
export const zonesTopic = "zones";

const columns =
  `zone.name, zone.primary_server AS primaryServer, zone.admin_mailbox AS adminMailbox, zone_serial.serial,
  zone.refresh_seconds AS refreshSeconds, zone.retry_seconds AS retrySeconds, zone.expire_seconds AS expireSeconds,
  zone.minimum_seconds AS minimumSeconds`;
const from = "FROM zone JOIN zone_serial ON zone_serial.zone = zone.name";

/** All zones by name. */
export async function listZones(sql: Sql): Promise<Zone[]> {
  return (await sql.all(`SELECT ${columns} ${from} ORDER BY zone.name`)).map((row) => Zone.parse(row));
}

/** The zone of that name, or `undefined`. */
export async function findZone(sql: Sql, name: string): Promise<Zone | undefined> {
  const row = await sql.first(`SELECT ${columns} ${from} WHERE zone.name = ?`, [name]);
  return row === undefined ? undefined : Zone.parse(row);
}

/**
 * The zone of that name.
 *
 * @throws {PlatformError} not-found — when there is none
 */
export async function getZone(sql: Sql, name: string): Promise<Zone> {
  const zone = await findZone(sql, name);
  if (zone === undefined) throw new PlatformError("not-found", `Cannot find the zone "${name}": it does not exist`);
  return zone;
}

/** Adds a zone with the serial that it has. */
export async function insertZone(tx: Sql, zone: Zone): Promise<void> {
  await tx.run(
    `INSERT INTO zone (name, primary_server, admin_mailbox, refresh_seconds, retry_seconds, expire_seconds, minimum_seconds)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [
      zone.name,
      zone.primaryServer,
      zone.adminMailbox,
      zone.refreshSeconds,
      zone.retrySeconds,
      zone.expireSeconds,
      zone.minimumSeconds,
    ],
  );
  await writeSerial(tx, zone.name, zone.serial);
}

/** Removes a zone with its records from the database and the feed; its serial stays, so that a zone of that name goes on from there. */
export async function deleteZone(tx: Sql, name: string): Promise<void> {
  await tx.run("DELETE FROM zone WHERE name = ?", [name]);
  await appendFeed(tx, zonesTopic, [{ key: name }]);
}

/** The last serial that a zone of that name has had, or `undefined`. */
export async function findSerial(sql: Sql, name: string): Promise<number | undefined> {
  const row = await sql.first("SELECT serial FROM zone_serial WHERE zone = ?", [name]);
  return row === undefined ? undefined : z.object({ serial: z.int() }).parse(row).serial;
}

/** Stores the state's serial and sends the state to the name servers. */
export async function publishZone(tx: Sql, state: ZoneState): Promise<void> {
  await writeSerial(tx, state.name, state.serial);
  await appendFeed(tx, zonesTopic, [{ key: state.name, value: state }]);
}

async function writeSerial(tx: Sql, name: string, serial: number): Promise<void> {
  await tx.run(
    "INSERT INTO zone_serial (zone, serial) VALUES (?, ?) ON CONFLICT DO UPDATE SET serial = excluded.serial",
    [
      name,
      serial,
    ],
  );
}
