import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { passwordOf, tokenOf } from "../testing/accounts.ts";
import { writeOciLayout } from "../testing/oci-layout.ts";
import { openRegistry } from "../testing/open-registry.ts";
import { isInstalled, runProgram } from "../testing/run-program.ts";
import { serveRegistry } from "../testing/serve-registry.ts";

const skip = isInstalled("skopeo") ? false : "skopeo is not installed";

async function skopeo(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram("skopeo", ["--insecure-policy", ...args]);
  assert.equal(code, 0, `skopeo ${args.join(" ")}: ${stderr}`);
  return stdout;
}

test(
  "skopeo pushes, lists, inspects, copies across repositories, pulls and deletes",
  { skip, timeout: 120_000 },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "mcr-skopeo-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await using registry = await openRegistry();
    await using served = await serveRegistry(registry.mcr);
    const digest = await writeOciLayout(join(folder, "in"), "first");
    const creds = `alice:${passwordOf("alice")}`;
    const first = `docker://${served.address}/team/first:v1`;
    const second = `docker://${served.address}/team/second:v1`;
    await skopeo("copy", "--dest-tls-verify=false", `--dest-creds=${creds}`, `oci:${folder}/in:latest`, first);
    const tags = JSON.parse(
      await skopeo("list-tags", "--tls-verify=false", `--creds=${creds}`, `docker://${served.address}/team/first`),
    );
    assert.deepEqual(tags.Tags, ["v1"]);
    // A token in the place of the password, as `mcp login` hands it to build tools.
    const token = `alice:${tokenOf("alice")}`;
    assert.equal(JSON.parse(await skopeo("inspect", "--tls-verify=false", `--creds=${token}`, first)).Digest, digest);
    await skopeo(
      "copy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `--src-creds=${creds}`,
      `--dest-creds=${creds}`,
      first,
      second,
    );
    await skopeo(
      "copy",
      "--src-tls-verify=false",
      `--src-creds=gast:${passwordOf("gast")}`,
      second,
      `dir:${folder}/out`,
    );
    await skopeo("delete", "--tls-verify=false", `--creds=${creds}`, second);
    const gone = await registry.request("/v2/team/second/manifests/v1");
    assert.equal(gone.status, 404);
  },
);

test("skopeo cannot push as a guest", { skip, timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "mcr-skopeo-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  await writeOciLayout(folder, "first");
  const target = `docker://${served.address}/team/first:v1`;
  const args = [
    "--insecure-policy",
    "copy",
    "--dest-tls-verify=false",
    `--dest-creds=gast:${passwordOf("gast")}`,
    `oci:${folder}:latest`,
    target,
  ];
  const { code, stderr } = await runProgram("skopeo", args);
  assert.notEqual(code, 0);
  assert.match(stderr, /no rule allows it|denied|403/i);
});
