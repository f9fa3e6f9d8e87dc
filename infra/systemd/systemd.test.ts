import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { allocatorVariables, toV8Flags } from "../bootstrap/program-command.ts";
import { temporaryFolder } from "../bootstrap/testing/temporary-folder.ts";

const repository = join(import.meta.dirname, "..", "..");
const analyze = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"].find((path) => existsSync(path));
const skip = analyze === undefined ? "systemd-analyze is not installed" : false;
if (skip) console.log(`skipping checks of the units: ${skip}`);

const run = promisify(execFile);

/** Copies the units to a folder, with the installation's path being this repository. */
async function copyUnits(folder: string): Promise<string[]> {
  const files = (await readdir(import.meta.dirname)).filter((file) => /\.(service|socket)$/.test(file));
  for (const file of files) {
    const text = await readFile(join(import.meta.dirname, file), "utf8");
    await writeFile(join(folder, file), text.replaceAll("/opt/metacircular", repository));
  }
  return files;
}

test("the units start our programs with the flags and variables of the supervisor", async () => {
  const variables = Object.entries(allocatorVariables).map(([name, value]) => `${name}=${value}`);
  for (const program of ["server", "proxy", "dns", "agent"]) {
    const unit = await readFile(join(import.meta.dirname, `metacircular-${program}.service`), "utf8");
    assert.ok(unit.includes(`/bin/node ${toV8Flags(program).join(" ")} /opt`), program);
    assert.ok(unit.includes(`\nEnvironment=${variables.join(" ")}\n`), program);
  }
});

test("the units are what systemd understands", { skip }, async (context) => {
  const folder = await temporaryFolder(context);
  const files = await copyUnits(folder);
  assert.equal(files.length, 8);
  const paths = files.map((file) => join(folder, file));
  const { stderr } = await run(analyze ?? "", ["verify", "--man=no", ...paths], {
    env: { SYSTEMD_UNIT_PATH: `${folder}:` },
  });
  const ours = stderr.split("\n").filter((line) => line.includes("metacircular"));
  assert.deepEqual(ours, []);
});

test("the units of our programs are hardened", { skip }, async (context) => {
  const folder = await temporaryFolder(context);
  await copyUnits(folder);
  for (const program of ["server", "proxy", "dns", "agent"]) {
    const unit = join(folder, `metacircular-${program}.service`);
    // The exposure level in tenths, from 0 (none) to 100.
    await run(analyze ?? "", ["security", "--offline=yes", "--threshold=30", "--no-pager", unit], {
      maxBuffer: 1_000_000,
    });
  }
});
