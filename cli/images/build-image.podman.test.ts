import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
import { parseImageReference } from "#shared/contract/image-reference.ts";
import { toBuildArguments } from "./build-image.ts";

const run = promisify(execFile);
const hasPodman = await run("podman", ["--version"]).then(() => true, () => false);
const skip = hasPodman ? false : "podman is not installed";
if (skip) console.log(`skipping the tests of building with a real podman: ${skip}`);

test("toBuildArguments() give each version its own environment, though every step is cached", {
  skip,
  timeout: 120_000,
}, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "mcp-build-test-"));
  context.after(() => rm(folder, { recursive: true }));
  const source = `FROM scratch\nARG VERSION=dev\nENV VERSION=\${VERSION}\nCOPY page /page\nENTRYPOINT ["/page"]\n`;
  await writeFile(join(folder, "Dockerfile"), source);
  await writeFile(join(folder, "page"), "a page\n");
  for (const tag of ["v1.0.0", "v1.1.0", "v1.2.0"]) {
    const image = `mcr.svc.build-test-${process.pid}.localhost:8443/page:${tag}`;
    const reference = parseImageReference(image);
    await run("podman", toBuildArguments({ image, reference, dockerfile: "Dockerfile" }, folder));
    context.after(() => run("podman", ["image", "rm", "--force", image]));
    const { stdout } = await run("podman", ["image", "inspect", "--format", "{{.Config.Env}}", image]);
    assert.match(stdout, new RegExp(`VERSION=${tag.replaceAll(".", "\\.")}`));
  }
});
