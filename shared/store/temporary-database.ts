import { join } from "node:path";
import { type Database, openDatabase } from "./database.ts";
import { migrate, type Migration } from "./migrate.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

/**
 * A real database in a new folder that disappears when it is disposed; for tests.
 * A file, as `:memory:` cannot have a reader beside the writer.
 */
export async function openTemporaryDatabase(migrations: readonly Migration[]): Promise<Database> {
  const folder = await createTemporaryFolder();
  const database = await openDatabase({ url: `file:${join(folder.path, "test.db")}` });
  await migrate(database, migrations);
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
