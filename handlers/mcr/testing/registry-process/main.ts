import { join } from "node:path";
import process from "node:process";
import { runProgram } from "#shared/lifecycle/run-program.ts";
import { createLog } from "#shared/log/log.ts";
import { openDatabase } from "#shared/store/database.ts";
import { migrate } from "#shared/store/migrate.ts";
import { createMcr } from "../../app.ts";
import { mcrMigrations } from "../../migrations/mcr-migrations.ts";
import { testLogin, testValidator } from "../accounts.ts";
import { serveRegistry } from "../serve-registry.ts";

// A registry in a process of its own, for tests that kill it. Its only argument is the folder it keeps everything in.
const folder = process.argv[2] ?? "";
const log = createLog({ system: "mcr", level: "warn" });

await runProgram({ name: "mcr", log }, async () => {
  const database = await openDatabase({ url: `file:${join(folder, "mcr.db")}` });
  await migrate(database, mcrMigrations);
  const now = () => new Date();
  const mcr = createMcr({
    database,
    blobFolder: join(folder, "blobs"),
    validator: testValidator,
    login: testLogin,
    now,
    log,
  });
  await mcr.sweep();
  const served = await serveRegistry(mcr);
  return {
    ready: { url: served.url },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
});
