import assert from "node:assert/strict";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { addSource, repository, run, runOk, startPlatform, whyNoPodman } from "./harness.ts";

const user = "mcrootless";

async function whyNotRootless(): Promise<string | false> {
  const reason = await whyNoPodman();
  if (reason !== false) return reason;
  return process.getuid?.() === 0 ? false : "only root can make the unprivileged user that this test needs";
}

/** An unprivileged user as a Debian administrator would make it; /dev/net/tun is what slirp4netns opens. */
async function prepareUser(): Promise<{ uid: number; env: Record<string, string> }> {
  if ((await run("id", [user])).code !== 0) await runOk("useradd", ["--create-home", "--shell", "/bin/bash", user]);
  const uid = Number(await runOk("id", ["--user", user]));
  const runtime = `/run/user/${uid}`;
  await mkdir(runtime, { recursive: true, mode: 0o700 });
  await chown(runtime, uid, uid);
  await chmod("/dev/net/tun", 0o666);
  return {
    uid,
    env: { HOME: `/home/${user}`, XDG_RUNTIME_DIR: runtime, USER: user, XDG_CONFIG_HOME: `/home/${user}/.config` },
  };
}

/** `pid args` of the user's processes. */
async function listProcesses(): Promise<string[]> {
  const { stdout } = await run("ps", ["--user", user, "-o", "stat=,pid=,args="]);
  // What has ended but was not yet reaped by process 1 is no process any more.
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("Z")).map((line) =>
    line.replace(/^\S+\s+/, "")
  );
}

/** The repository if the user can read it, else a copy that it can. */
async function readableRepository(folder: string): Promise<string> {
  const { code } = await run("runuser", [
    "-u",
    user,
    "--",
    "test",
    "-r",
    join(repository, "node_modules/hono/package.json"),
    "-a",
    "-x",
    process.execPath,
  ]);
  if (code === 0) return repository;
  const copy = join(folder, "repository");
  await runOk("cp", ["--recursive", "--no-target-directory", repository, copy], { timeoutMs: 300_000 });
  await runOk("chmod", ["--recursive", "a+rX", copy]);
  return copy;
}

test(
  "the walkthrough holds on rootless podman under an unprivileged user",
  { skip: await whyNotRootless() },
  async (t) => {
    const { uid, env } = await prepareUser();
    // A run that was killed may have left podman's pause process, which later runs use and leave to whoever started it.
    const before = await listProcesses();
    const folder = await mkdtemp(join(tmpdir(), "mc-rootless-"));
    const data = await mkdtemp("/srv/mc-rootless-");
    t.after(async () => {
      await rm(folder, { recursive: true, force: true });
      await rm(data, { recursive: true, force: true });
    });
    await chown(folder, uid, uid);
    await chown(data, uid, uid);
    await using platform = await startPlatform({
      folder,
      asUser: { name: user, env, repository: await readableRepository(folder) },
    });
    const { registry, domain } = platform.ready;
    const url = `https://hello.svc.${domain}:${platform.ready.proxy.split(":")[1]}/`;
    await addSource(platform, "hello", "web");
    await run("chown", ["--recursive", user, folder]);
    const definition = (version: string) =>
      `name = "hello"
node = "local"
[build.images]
hello = "Dockerfile"
[[components]]
name = "web"
image = "${registry}/hello:${version}"
volumes = ["${data}:${data}"]
env = ["DATA=${data}"]
user = "0:0"
[[components.routes]]
port = 8443
mode = "l7"
`;

    await t.test("build, push, deploy, curl, dig", async () => {
      await platform.define("hello", definition("v1.0.0"));
      await platform.mcpOk(["build", "hello"]);
      await platform.mcpOk(["deploy", "hello"]);
      assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.0");
      assert.deepEqual((await platform.dig(`hello.svc.${domain}`)).answers, ["127.0.0.1"]);
    });

    await t.test("the container's root writes to the volume as the unprivileged user", async () => {
      assert.equal((await readFile(join(data, "started"), "utf8")).trim(), "version v1.0.0");
      assert.equal((await stat(join(data, "started"))).uid, uid);
    });

    await t.test("a component with volumes is recreated, and undeploy leaves nothing", async () => {
      await platform.define("hello", definition("v1.0.1"));
      await platform.mcpOk(["deploy", "hello"]);
      assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.1");
      assert.match(await platform.mcpOk(["logs", "hello"]), /version v1\.0\.1 listens/);
      await platform.mcpOk(["undeploy", "hello"]);
      const { stdout } = await run("runuser", [
        "-u",
        user,
        "--",
        "env",
        ...Object.entries(env).map(([k, v]) => `${k}=${v}`),
        "podman",
        "ps",
        "--all",
        "--quiet",
      ], { cwd: "/" });
      assert.equal(stdout.trim(), "");
    });

    await t.test("SIGTERM ends everything that was started", async () => {
      assert.equal(await platform.stop(), 0);
      const alive = (await listProcesses()).filter((line) => !before.includes(line));
      assert.deepEqual(alive, []);
    });
  },
);
