import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "#shared/log/log.ts";
import { createProcessRecord, endLeftovers } from "./leftovers.ts";
import { startTimeOf } from "./process-facts.ts";
import { toProgramCommand } from "./program-command.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

const script = join(import.meta.dirname, "testing", "fixture-program.ts");

test("endLeftovers() ends recorded processes and no others", async (context) => {
  const path = join(await temporaryFolder(context), "programs.json");
  const command = toProgramCommand(script, ["fixture", "serve"]);
  const [left, other] = [1, 2].map(() =>
    spawn(command.file, [...command.args], { stdio: ["ignore", "pipe", "ignore"] })
  );
  assert.ok(left?.pid !== undefined && other?.pid !== undefined);
  context.after(() => other.kill());
  await Promise.all([once(left.stdout, "data"), once(other.stdout, "data")]);
  await createProcessRecord(path).add("proxy", left.pid);
  await endLeftovers(path, silentLog);
  assert.equal(await startTimeOf(left.pid), undefined);
  assert.ok((await startTimeOf(other.pid)) !== undefined);

  // The same number, another process.
  await writeFile(path, JSON.stringify([{ program: "proxy", pid: other.pid, startTime: "1" }]));
  await endLeftovers(path, silentLog);
  assert.ok((await startTimeOf(other.pid)) !== undefined);
});

test("endLeftovers() does nothing without a usable record", async (context) => {
  const path = join(await temporaryFolder(context), "programs.json");
  await endLeftovers(path, silentLog);
  await writeFile(path, "no JSON");
  await endLeftovers(path, silentLog);
});
