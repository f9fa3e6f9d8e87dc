import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { passwordOf } from "../testing/accounts.ts";
import { openRegistry } from "../testing/open-registry.ts";
import { preparePodman } from "../testing/podman-config.ts";
import { isInstalled, runProgram } from "../testing/run-program.ts";
import { serveRegistry } from "../testing/serve-registry.ts";

const skip = isInstalled("podman") ? false : "podman is not installed";

/** Podman in a folder of its own; gives what it printed, and fails when it does. */
async function openPodman(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "mcr-podman-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { env, globalArgs } = await preparePodman(folder);
  const run = (...args: string[]) => runProgram("podman", [...globalArgs, ...args], { env, cwd: folder });
  return {
    folder,
    run,
    async must(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 0, `podman ${args.join(" ")}: ${stderr}`);
      return stdout.trim();
    },
  };
}

test("podman logs in, builds, pushes, pulls and runs an image", { skip, timeout: 180_000 }, async (t) => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const podman = await openPodman(t);
  const image = `${served.address}/team/hello:v1`;
  await writeFile(
    join(podman.folder, "Containerfile"),
    'FROM scratch\nCOPY busybox /busybox\nENTRYPOINT ["/busybox", "echo", "hello"]\n',
  );
  await runProgram("cp", ["/bin/busybox", join(podman.folder, "busybox")]);
  await podman.must("build", "--quiet", "--tag", image, podman.folder);
  assert.notEqual((await podman.run("push", "--tls-verify=false", image)).code, 0, "a stranger must not push");
  await podman.must(
    "login",
    "--tls-verify=false",
    "--username",
    "alice",
    "--password",
    passwordOf("alice"),
    served.address,
  );
  await podman.must("push", "--tls-verify=false", image);
  await podman.must("tag", image, `${served.address}/team/copy:v2`);
  await podman.must("push", "--tls-verify=false", `${served.address}/team/copy:v2`);
  await podman.must("rmi", "--all", "--force");
  await podman.must("pull", "--tls-verify=false", image);
  const resolved = await (await registry.request("/v1/images/resolve?reference=team/hello:v1", { as: "mcp" })).json();
  assert.equal(await podman.must("image", "inspect", "--format", "{{.Digest}}", image), resolved.digest);
  assert.equal(await podman.must("run", "--rm", "--network", "none", image), "hello");
});

test("podman refuses a wrong password", { skip, timeout: 60_000 }, async (t) => {
  await using registry = await openRegistry();
  await using served = await serveRegistry(registry.mcr);
  const podman = await openPodman(t);
  const { code, stderr } = await podman.run(
    "login",
    "--tls-verify=false",
    "--username",
    "alice",
    "--password",
    "wrong",
    served.address,
  );
  assert.notEqual(code, 0);
  assert.match(stderr, /invalid username\/password|unauthorized/i);
});
