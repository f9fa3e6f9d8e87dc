import { StoredRecord } from "#shared/contract/mcns.ts";
import type { Sql, SqlArgs } from "#shared/store/database.ts";

const columns = "id, name, type, value, ttl_seconds AS ttlSeconds, owner, source";

/** Rows of one INSERT: 8 values each stay far below SQLite's bound of 32,766. */
const rowsPerInsert = 500;

/** The records of a zone by name, type and value; of one name when given. */
export async function listRecords(sql: Sql, zone: string, name?: string): Promise<StoredRecord[]> {
  const [condition, args]: [string, SqlArgs] = name === undefined ? ["", [zone]] : ["AND name = ?", [zone, name]];
  const rows = await sql.all(
    `SELECT ${columns} FROM record WHERE zone = ? ${condition} ORDER BY name, type, value, source`,
    args,
  );
  return rows.map((row) => StoredRecord.parse(row));
}

/** Adds records. */
export async function insertRecords(tx: Sql, zone: string, records: readonly StoredRecord[]): Promise<void> {
  for (let start = 0; start < records.length; start += rowsPerInsert) {
    const part = records.slice(start, start + rowsPerInsert);
    await tx.run(
      `INSERT INTO record (id, zone, name, type, value, ttl_seconds, owner, source)
       VALUES ${part.map(() => "(?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}`,
      part.flatMap((
        { id, name, type, value, ttlSeconds, owner, source },
      ) => [id, zone, name, type, value, ttlSeconds, owner, source]),
    );
  }
}

/** Removes records. */
export async function deleteRecords(tx: Sql, records: readonly Pick<StoredRecord, "id">[]): Promise<void> {
  for (let start = 0; start < records.length; start += rowsPerInsert) {
    const part = records.slice(start, start + rowsPerInsert);
    await tx.run(`DELETE FROM record WHERE id IN (${part.map(() => "?").join(", ")})`, part.map(({ id }) => id));
  }
}
