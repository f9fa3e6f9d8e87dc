import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { silentLog } from "#shared/log/log.ts";
import { toProgramCommand } from "./program-command.ts";
import { openRotatingLog } from "./rotating-log.ts";
import { type SupervisedProgram, type SuperviseOptions, superviseProgram } from "./supervise.ts";

const script = join(import.meta.dirname, "testing", "fixture-program.ts");

interface Started {
  readonly program: SupervisedProgram;
  readonly logPath: string;
}

async function start(
  context: TestContext,
  behaviour: string,
  options: Partial<SuperviseOptions> = {},
): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "supervise-"));
  const logPath = join(folder, "fixture.log");
  const output = openRotatingLog({ path: logPath });
  const command = toProgramCommand(script, ["fixture", behaviour]);
  const program = superviseProgram({
    name: "fixture",
    ...command,
    output,
    log: silentLog,
    restartMs: { min: 10, max: 50 },
    ...options,
  });
  context.after(async () => {
    await program[Symbol.asyncDispose]();
    output[Symbol.dispose]();
    await rm(folder, { recursive: true, force: true });
  });
  return { program, logPath };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const untilOptions = { action: "see the program's state", timeoutMs: 10_000, intervalMs: 10 };

test("superviseProgram() gives the ready line and stops the program on disposal", async (context) => {
  const { program, logPath } = await start(context, "serve");
  assert.equal((await program.ready)["port"], 7);
  const pid = program.pid ?? 0;
  assert.ok(isAlive(pid));
  await program[Symbol.asyncDispose]();
  assert.ok(!isAlive(pid));
  assert.equal(program.restarts, 0);
  assert.match(await readFile(logPath, "utf8"), /"ready":true.*\nfixture ends\n/);
});

test("superviseProgram() starts a program again that dies after it was ready", async (context) => {
  const pids: number[] = [];
  const { program } = await start(context, "serve", { onStart: (pid) => pids.push(pid) });
  await program.ready;
  process.kill(pids[0] ?? 0, "SIGKILL");
  await waitUntil(() => pids.length === 2 && program.pid === pids[1] ? true : undefined, untilOptions);
  assert.equal(program.restarts, 1);
  assert.notEqual(pids[0], pids[1]);
});

test("superviseProgram() says why a program never became ready, and leaves it", async (context) => {
  const { program } = await start(context, "fail");
  await assert.rejects(
    program.ready,
    (error) =>
      error instanceof PlatformError && error.code === "unavailable" &&
      /exit 3:\n {2}the cellar is flooded$/.test(error.message),
  );
  assert.equal(program.restarts, 0);
});

test("superviseProgram() says when the executable is missing", async (context) => {
  const { program } = await start(context, "serve", { file: "no-such-executable" });
  await assert.rejects(program.ready, /Cannot start fixture.*ENOENT/s);
});

test("superviseProgram() kills a program that hangs before it is ready", async (context) => {
  const pids: number[] = [];
  const { program } = await start(context, "hang", { readyTimeoutMs: 50, onStart: (pid) => pids.push(pid) });
  await assert.rejects(program.ready, /not ready in time/);
  await waitUntil(() => isAlive(pids[0] ?? 0) ? undefined : true, untilOptions);
});

test("superviseProgram() kills a program that does not stop when asked", async (context) => {
  const { program } = await start(context, "stubborn", { stopTimeoutMs: 100 });
  await program.ready;
  const pid = program.pid ?? 0;
  await program[Symbol.asyncDispose]();
  assert.ok(!isAlive(pid));
});

test("superviseProgram() ends before it is ready when it is disposed early", async (context) => {
  const { program } = await start(context, "hang");
  await program[Symbol.asyncDispose]();
  await assert.rejects(program.ready, (error) => error instanceof PlatformError && error.code === "cancelled");
});
