import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createLog } from "#shared/log/log.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { checkMigration } from "./socket-migration.ts";

async function warningsFor(value: string | undefined): Promise<string[]> {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "tcp_migrate_req");
  if (value !== undefined) await writeFile(path, value);
  const lines: string[] = [];
  await checkMigration(createLog({ system: "proxy", write: (line) => void lines.push(line) }), path);
  return lines;
}

test("D7: a listener that shares its port warns unless waiting connections move on when it closes", async () => {
  assert.deepEqual(await warningsFor("1\n"), []);
  assert.match((await warningsFor("0\n")).join(""), /tcp_migrate_req=1.*"is":"0"/);
  assert.match((await warningsFor(undefined)).join(""), /"is":"unknown"/);
});
