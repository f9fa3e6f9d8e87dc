import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { type ContractClient, createClient } from "#shared/contract/client.ts";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { addSource, type Platform, run, startLoad, startPlatform, whyNoPodman } from "./harness.ts";
import { createHttpsClient } from "./https-client.ts";

const definition = (platform: Platform, version: string) =>
  `name = "hello"
node = "local"
[build.images]
hello = "Dockerfile"
[[components]]
name = "web"
image = "${platform.ready.registry}/hello:${version}"
[[components.routes]]
port = 8443
mode = "l7"
`;

interface Instance {
  readonly version: string;
  readonly state: string;
  readonly containerId: string;
}

async function instancesOf(platform: Platform): Promise<Instance[]> {
  const finished = await platform.mcp(["ps", "--json"]);
  return finished.code === 0 ? JSON.parse(finished.stdout).instances : [];
}

/** The one version that answers, once exactly one instance of exactly that version is left. */
async function settledVersion(platform: Platform, url: string): Promise<string> {
  return await waitUntil(async () => {
    const services = await platform.mcp(["status", "hello", "--json"]);
    if (services.code !== 0) return undefined;
    const open = JSON.parse(services.stdout).deployments.some((d: { finishedAt: string | null }) =>
      d.finishedAt === null
    );
    const running = (await instancesOf(platform)).filter(({ state }) => state !== "stopped");
    const answer = (await platform.curl(url)).stdout.trim();
    const isSettled = !open && running.length === 1 && running[0]?.state === "healthy" &&
      answer === `version ${running[0].version}`;
    return isSettled ? answer : undefined;
  }, { action: "see one version everywhere", timeoutMs: 120_000, intervalMs: 500 });
}

test("what serves goes on when programs are killed", { skip: await whyNoPodman() }, async (t) => {
  await using platform = await startPlatform();
  const host = `hello.svc.${platform.ready.domain}`;
  const port = Number(platform.ready.proxy.split(":")[1]);
  const url = `https://${host}:${port}/`;
  await addSource(platform, "hello", "web");
  await platform.define("hello", definition(platform, "v1.0.0"));
  await platform.mcpOk(["deploy", "hello"]);
  await platform.define("hello", definition(platform, "v1.0.1"));
  await platform.mcpOk(["build", "hello"]);

  await t.test("with the control plane stopped curl and dig keep answering, and a crashed container comes back", async () => {
    const [before] = await instancesOf(platform);
    const server = await platform.pidOf("server");
    const client = await createHttpsClient({ ca: platform.ready.ca, port, hostname: host });
    process.kill(server, "SIGSTOP"); // as dead as a hung control plane: it accepts and never answers
    try {
      assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.0");
      assert.deepEqual((await platform.dig(host)).answers, ["127.0.0.1"]);
      await killContainer(before?.containerId ?? "");
      await waitUntil(async () => (await platform.curl(url)).stdout.trim() === "version v1.0.0" || undefined, {
        action: "see the crashed container answer again",
        timeoutMs: 30_000,
      });
    } finally {
      client.close();
      process.kill(server, "SIGCONT");
    }
    await settledVersion(platform, url);
  });

  await t.test("a killed control plane comes back and everything reconnects by itself", async () => {
    const load = startLoad(
      async () => (await platform.curl(url)).stdout,
      (body) => body.trim() === "version v1.0.0",
      1,
    );
    const old = await platform.pidOf("server");
    process.kill(old, "SIGKILL");
    await waitUntil(async () => (await platform.mcp(["ps"])).code === 0 || undefined, {
      action: "reach the control plane",
      timeoutMs: 30_000,
      intervalMs: 200,
    });
    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
    await platform.mcpOk(["deploy", "hello"]);
    assert.equal(await settledVersion(platform, url), "version v1.0.1");
  });

  const token = (await readFile(join(platform.ready.cliConfig, "../token"), "utf8")).trim();
  const mcp = createClient(mcpContract, { fetch, baseUrl: platform.ready.api, token: () => token });
  for (const step of ["start", "health", "route"] as const) {
    for (const program of ["agent", "proxy", "dns", "server"] as const) {
      await t.test(`kill -9 of the ${program} at the step "${step}" of a deploy ends in one version everywhere`, async () => {
        const next = (await settledVersion(platform, url)).endsWith("1") ? "v1.0.0" : "v1.0.1";
        const pid = await platform.pidOf(program);
        const body = { definition: ServiceDefinition.parse(parseToml(definition(platform, next), "test")) };
        const { id } = await mcp.deploy({ params: { service: "hello" }, body });
        await reachStep(mcp, id, step);
        process.kill(pid, "SIGKILL");
        const settled = await settledVersion(platform, url);
        assert.match(settled, /^version v1\.0\.[01]$/);
        // The deployment does not wait for a name server that is being started again: until then dig fails.
        const dig = () => platform.dig(host).catch(() => undefined);
        const { answers } = await waitUntil(dig, { action: "ask the name server", timeoutMs: 30_000 });
        assert.deepEqual(answers, ["127.0.0.1"]);
      });
    }
  }

  await t.test("containers removed behind the agent's back are made again", async () => {
    const version = await settledVersion(platform, url);
    const [instance] = await instancesOf(platform);
    await podman(["rm", "--force", "--time", "0", instance?.containerId ?? ""]);
    await waitUntil(
      async () =>
        (await instancesOf(platform)).some(({ containerId, state }) =>
          state === "healthy" && containerId !== instance?.containerId
        ) || undefined,
      {
        action: "see a new container",
        timeoutMs: 60_000,
        intervalMs: 200,
      },
    );
    assert.equal(await settledVersion(platform, url), version);
  });

  await t.test("stopping the whole platform leaves no container; starting it again brings the service back", async () => {
    const version = await settledVersion(platform, url);
    assert.equal(await platform.stop(), 0);
    // By platform: other tests run services of the same name on the same podman at the same time.
    const platformId = (await readFile(join(platform.folder, "mc", "platform-id"), "utf8")).trim();
    const ps = await run("podman", ["ps", "--all", "--quiet", "--filter", `label=mcp.platform=${platformId}`]);
    assert.deepEqual([ps.code, ps.stdout], [0, ""]);
    await platform.startAgain();
    assert.equal(await settledVersion(platform, url), version);
  });
});

/** Resolves when the deployment tells of a step for the first time. */
async function reachStep(mcp: ContractClient<typeof mcpContract>, id: string, step: string): Promise<void> {
  const { body } = await mcp.followDeployment({ params: { id } });
  if (body === null) throw new Error("no events");
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes(`"step":"${step}"`)) return;
  }
}

async function podman(args: readonly string[]): Promise<void> {
  const { code, stderr } = await run("podman", args);
  assert.equal(code, 0, stderr);
}

/** The process inside dies, as in a crash; podman is not asked. */
async function killContainer(id: string): Promise<void> {
  const { stdout } = await run("podman", ["inspect", "--format", "{{.State.Pid}}", id]);
  process.kill(Number(stdout.trim()), "SIGKILL");
}
