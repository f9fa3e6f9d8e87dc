import { z } from "zod";
import type { Database } from "#shared/store/database.ts";
import { DigestAlgorithm } from "../domain/digest.ts";
import { RepositoryName } from "../domain/name.ts";
import { textColumn } from "./text-column.ts";

const Upload = z.object({
  id: z.uuid(),
  repository: RepositoryName,
  /** Who started it; nobody else may continue it. */
  username: z.string(),
  /** The hash computed while bytes arrive. */
  algorithm: DigestAlgorithm,
  expiresAt: z.iso.datetime(),
});
/** An upload session. How many bytes it has is what its file holds. Its id is also the file's key. */
export type Upload = z.infer<typeof Upload>;

const columns = "id, repository, username, algorithm, expires_at AS expiresAt";

/** The upload sessions that have not ended. */
export interface UploadStore {
  create(upload: Upload): Promise<void>;
  find(id: string): Promise<Upload | undefined>;
  /** Moves the end of a session that is in use. */
  extend(id: string, expiresAt: string): Promise<void>;
  /** Ends a session without a blob; `false` when it had ended already. */
  remove(id: string): Promise<boolean>;
  /** Ends sessions whose time is over; gives their ids. */
  removeExpired(at: string): Promise<string[]>;
  /** The ids of all sessions. */
  listIds(): Promise<Set<string>>;
}

/** The upload sessions of a database. */
export function createUploadStore(database: Database): UploadStore {
  return {
    async create({ id, repository, username, algorithm, expiresAt }) {
      await database.run(
        "INSERT INTO upload (id, repository, username, algorithm, expires_at) VALUES (?, ?, ?, ?, ?)",
        [
          id,
          repository,
          username,
          algorithm,
          expiresAt,
        ],
      );
    },
    async find(id) {
      const row = await database.first(`SELECT ${columns} FROM upload WHERE id = ?`, [id]);
      return row === undefined ? undefined : Upload.parse(row);
    },
    async extend(id, expiresAt) {
      await database.run("UPDATE upload SET expires_at = ? WHERE id = ?", [expiresAt, id]);
    },
    remove: async (id) => await database.run("DELETE FROM upload WHERE id = ?", [id]) > 0,
    removeExpired: (at) =>
      database.transaction(async (tx) => {
        const rows = await tx.all("SELECT id FROM upload WHERE expires_at <= ?", [at]);
        await tx.run("DELETE FROM upload WHERE expires_at <= ?", [at]);
        return textColumn(rows, "id");
      }),
    async listIds() {
      return new Set(textColumn(await database.all("SELECT id FROM upload"), "id"));
    },
  };
}
