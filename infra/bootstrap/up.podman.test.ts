import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { z } from "zod";
import { createPodman } from "../../node-runtime/podman/podman.ts";
import { startPodmanService } from "../../node-runtime/podman/podman-service.ts";
import { whyNoPodman } from "../../node-runtime/podman/testing/busybox-image.ts";
import { silentLog } from "#shared/log/log.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { layoutOf } from "./layout.ts";
import { argumentsOf, startTimeOf } from "./process-facts.ts";
import { assertPortFree, findFreePort } from "./ports.ts";
import { toProgramCommand } from "./program-command.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

const skip = whyNoPodman() ?? false;
if (skip) console.log(`skipping tests of "up" with a real podman: ${skip}`);

const Ready = z.strictObject({
  ready: z.literal(true),
  domain: z.string(),
  ca: z.string(),
  api: z.string(),
  proxy: z.string(),
  dns: z.string(),
  registry: z.string(),
  admin: z.strictObject({ username: z.string(), passwordFile: z.string() }),
  cliConfig: z.string(),
});
const KeptProcesses = z.array(z.object({ program: z.string(), pid: z.int(), startTime: z.string() }));

interface Ports {
  readonly proxy: number;
  readonly dns: number;
  readonly api: number;
}

async function freePorts(): Promise<Ports> {
  // Below the ephemeral range, so that no outgoing connection takes them meanwhile.
  const base = 12_000 + Math.floor(Math.random() * 18_000);
  return {
    proxy: await findFreePort("127.0.0.1", base),
    dns: await findFreePort("127.0.0.1", base + 1),
    api: await findFreePort("127.0.0.1", base + 2),
  };
}

function flagsOf(folder: string, ports: Ports): string[] {
  return [
    "--dir",
    folder,
    "--proxy-port",
    `${ports.proxy}`,
    "--dns-port",
    `${ports.dns}`,
    "--api-port",
    `${ports.api}`,
  ];
}

function spawnUp(
  context: TestContext,
  script: string,
  args: readonly string[],
): { child: ChildProcess; errors: () => string } {
  const command = toProgramCommand(join(import.meta.dirname, "..", script), args);
  const child = spawn(command.file, [...command.args], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stderr.on("data", (chunk) => void (text += String(chunk)));
  context.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const exited = once(child, "exit");
    process.kill(child.pid, "SIGTERM");
    await exited;
  });
  return { child, errors: () => text };
}

async function readyLine(child: ChildProcess, errors: () => string): Promise<z.infer<typeof Ready>> {
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return Ready.parse(JSON.parse(line));
  }
  throw new assert.AssertionError({ message: `no ready line: ${errors()}` });
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  assert.ok(child.pid !== undefined);
  process.kill(child.pid, "SIGTERM");
  await exited;
}

async function readProcesses(folder: string) {
  return KeptProcesses.parse(JSON.parse(await readFile(layoutOf(folder).programs, "utf8")));
}

async function assertNothingLeft(folder: string, ports: Ports): Promise<void> {
  for (const { program, pid, startTime } of await readProcesses(folder)) {
    assert.notEqual(await startTimeOf(pid), startTime, `${program} still runs`);
  }
  await assertPortFree({ address: "127.0.0.1", port: ports.proxy, protocols: ["tcp"], flag: "proxy" });
  await assertPortFree({ address: "127.0.0.1", port: ports.dns, protocols: ["tcp", "udp"], flag: "dns" });
  await assertPortFree({ address: "127.0.0.1", port: ports.api, protocols: ["tcp"], flag: "api" });
  const platformId = (await readFile(layoutOf(folder).platformId, "utf8")).trim();
  await using service = await startPodmanService({ folder: join(folder, "check"), log: silentLog });
  assert.deepEqual(await createPodman(service.socketPath).listContainers(`mcp.platform=${platformId}`), []);
}

test("up --json serves, restarts what dies, refuses a second one, and leaves nothing behind", {
  skip,
  timeout: 120_000,
}, async (context) => {
  const folder = join(await temporaryFolder(context), "mc");
  const ports = await freePorts();
  const startMs = performance.now();
  const { child, errors } = spawnUp(context, "metacircular.ts", [
    "up",
    "--json",
    "--no-sample",
    ...flagsOf(folder, ports),
  ]);
  const ready = await readyLine(child, errors);
  context.diagnostic(`ready after ${Math.round(performance.now() - startMs)} ms`);
  assert.equal(ready.proxy, `127.0.0.1:${ports.proxy}`);
  assert.equal(ready.registry, `mcr.svc.mcp.localhost:${ports.proxy}`);
  assert.match(await readFile(ready.ca, "utf8"), /BEGIN CERTIFICATE/);
  const document = z.object({ openapi: z.string() }).parse(await (await fetch(`${ready.api}/openapi.json`)).json());
  assert.equal(document.openapi, "3.1.0");
  assert.equal((await fetch(`${ready.api}/healthz`)).status, 200);

  const second = spawnUp(context, "metacircular.ts", ["up", "--json", "--dir", folder]);
  const [code] = await once(second.child, "exit");
  assert.equal(code, 1);
  assert.match(second.errors(), /process \d+ runs it/);

  const before = await readProcesses(folder);
  const dns = before.find(({ program }) => program === "dns");
  assert.ok(dns !== undefined && (await argumentsOf(dns.pid)).includes("dns"));
  process.kill(dns.pid, "SIGKILL");
  await waitUntil(
    async () =>
      (await readProcesses(folder)).some(({ program, pid }) => program === "dns" && pid !== dns.pid) || undefined,
    {
      action: "see dns started again",
      timeoutMs: 20_000,
    },
  );

  await stop(child);
  await assertNothingLeft(folder, ports);

  const again = spawnUp(context, "metacircular.ts", ["up", "--json", "--no-sample", ...flagsOf(folder, ports)]);
  assert.deepEqual(await readyLine(again.child, again.errors), ready);
  await stop(again.child);
});

test("up ends everything when it is stopped while it starts", { skip, timeout: 120_000 }, async (context) => {
  const folder = join(await temporaryFolder(context), "mc");
  const ports = await freePorts();
  const { child, errors } = spawnUp(context, "metacircular.ts", [
    "up",
    "--json",
    "--no-sample",
    ...flagsOf(folder, ports),
  ]);
  await waitUntil(() => readProcesses(folder).catch(() => undefined), {
    action: "see a program started",
    timeoutMs: 20_000,
  });
  await stop(child);
  assert.equal(child.exitCode, 2, errors());
  assert.match(errors(), /Cannot start the platform: it was asked to stop/);
  await assertNothingLeft(folder, ports);
});

test("up ends what an up that was killed left behind", { skip, timeout: 120_000 }, async (context) => {
  const folder = join(await temporaryFolder(context), "mc");
  const ports = await freePorts();
  const first = spawnUp(context, "metacircular.ts", ["up", "--json", "--no-sample", ...flagsOf(folder, ports)]);
  await readyLine(first.child, first.errors);
  assert.ok(first.child.pid !== undefined);
  const exited = once(first.child, "exit");
  process.kill(first.child.pid, "SIGKILL");
  await exited;
  const second = spawnUp(context, "metacircular.ts", ["up", "--json", "--no-sample", ...flagsOf(folder, ports)]);
  await readyLine(second.child, second.errors);
  await stop(second.child);
  await assertNothingLeft(folder, ports);
});

test(
  "npm start builds, pushes and deploys the sample and sees it answer over verified TLS",
  { skip, timeout: 180_000 },
  async (context) => {
    const folder = join(await temporaryFolder(context), "mc");
    const ports = await freePorts();
    const { child, errors } = spawnUp(context, "start-sample.ts", ["--once", ...flagsOf(folder, ports)]);
    child.stdout?.resume();
    const [code] = await once(child, "exit");
    assert.equal(code, 0, errors());
    assert.match(errors(), /GET https:\/\/hello\.svc\.mcp\.localhost:\d+\/ +\d+ ms/);
    await assertNothingLeft(folder, ports);
  },
);
