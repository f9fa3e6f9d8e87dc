import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isSampleStopped, prepareSource, sampleDefinitionPath } from "./sample.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

const facts = { domain: "mcp.localhost", proxy: "127.0.0.1:9000", registry: "mcr.svc.mcp.localhost:9000" };
const sourceFolder = join(import.meta.dirname, "..", "..");
const hasBusybox = ["/bin/busybox", "/usr/bin/busybox"].some((path) => existsSync(path));
const skip = hasBusybox ? false : "there is no busybox";
if (skip) console.log(`skipping tests of the sample's source: ${skip}`);

test(
  "prepareSource() fills in the definition once and keeps what the operator makes of it",
  { skip },
  async (context) => {
    const folder = await temporaryFolder(context);
    const servicesFolder = join(folder, "services");
    const source = { facts, node: "rift", sourceFolder, workspace: join(folder, "workspace"), servicesFolder };
    await prepareSource(source);
    const path = sampleDefinitionPath(servicesFolder);
    const first = await readFile(path, "utf8");
    assert.match(first, /^name = "hello"\nnode = "rift"\n.*:9000\/hello:v1\.0\.0".*port = 9000\n/s);
    const changed = first.replace("v1.0.0", "v1.1.0");
    await writeFile(path, changed);
    const page = join(folder, "workspace", "hello", "serve.sh");
    await writeFile(page, "# mine\n");
    await prepareSource(source);
    assert.equal(await readFile(path, "utf8"), changed);
    assert.equal(await readFile(page, "utf8"), "# mine\n");
  },
);

test("isSampleStopped() says so for active = false alone", async (context) => {
  const folder = await temporaryFolder(context);
  for (
    const [text, isStopped] of [["active = false", true], ["active = true", false], ["", false], ["=", false]] as const
  ) {
    await writeFile(sampleDefinitionPath(folder), text);
    assert.equal(await isSampleStopped(folder), isStopped);
  }
  assert.equal(await isSampleStopped(join(folder, "nowhere")), false);
});
