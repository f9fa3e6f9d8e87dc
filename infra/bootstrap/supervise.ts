import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createBackoff } from "#shared/lifecycle/backoff.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { Log } from "#shared/log/log.ts";
import type { ProgramCommand } from "./program-command.ts";
import type { RotatingLog } from "./rotating-log.ts";

/** The line by which a program says that it serves. */
const ReadyLine = z.looseObject({ ready: z.literal(true), program: z.string() });
/** The line by which a program says that it serves, with what it adds. */
export type ReadyLine = z.infer<typeof ReadyLine>;

/** What {@link superviseProgram} needs. */
export interface SuperviseOptions extends ProgramCommand {
  /** Name of the program in logs and in its ready line. */
  readonly name: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Receives everything that the program writes. */
  readonly output: RotatingLog;
  readonly log: Log;
  /** Called with the process id of each start. */
  readonly onStart?: (pid: number) => void;
  /** A program that is not ready by then is killed; 20 s unless given. */
  readonly readyTimeoutMs?: number;
  /** A program that does not end by then after SIGTERM is killed; 10 s unless given. */
  readonly stopTimeoutMs?: number;
  /** First and longest wait before a restart; 200 ms and 10 s unless given. */
  readonly restartMs?: { readonly min: number; readonly max: number };
}

/** A program that is kept running. Disposal sends SIGTERM and waits until it has ended. */
export interface SupervisedProgram extends AsyncDisposable {
  readonly name: string;
  /** The first ready line. Rejects when the program does not get that far: such a program is not started again. */
  readonly ready: Promise<ReadyLine>;
  /** How often it was started again. */
  readonly restarts: number;
  /** Process id of the moment. */
  readonly pid: number | undefined;
}

/** A program that was ready for this long had a good start: its next restart does not wait long. */
const goodRunMs = 30_000;

/** Starts a program and, once it was ready, starts it again whenever it ends by itself. */
export function superviseProgram(options: SuperviseOptions): SupervisedProgram {
  const stopping = new AbortController();
  const firstReady = Promise.withResolvers<ReadyLine>();
  firstReady.promise.catch(() => undefined);
  let restarts = 0;
  let pid: number | undefined;
  const done = keepRunning();
  return {
    name: options.name,
    ready: firstReady.promise,
    get restarts() {
      return restarts;
    },
    get pid() {
      return pid;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };

  async function keepRunning(): Promise<void> {
    const backoff = createBackoff({ minMs: options.restartMs?.min ?? 200, maxMs: options.restartMs?.max ?? 10_000 });
    let wasReady = false;
    while (!stopping.signal.aborted) {
      const startMs = performance.now();
      const run = await runOnce(options, stopping.signal, {
        onPid: (value) => void (pid = value),
        onReady(line) {
          wasReady = true;
          firstReady.resolve(line);
        },
      });
      pid = undefined;
      if (stopping.signal.aborted) break;
      if (!wasReady) return firstReady.reject(toStartError(options.name, run));
      if (performance.now() - startMs > goodRunMs) backoff.reset();
      const retryInMs = backoff.next();
      restarts++;
      options.log.warn("a program has ended and is started again", {
        program: options.name,
        ...run,
        retryInMs,
        restarts,
      });
      await waitFor(retryInMs, stopping.signal);
    }
    firstReady.reject(new PlatformError("cancelled", `Cannot start ${options.name}: the platform is stopping`));
  }
}

interface RunResult {
  /** How it ended. */
  readonly reason: string;
  /** Its last lines, oldest first. */
  readonly lastLines: readonly string[];
}

interface RunEvents {
  readonly onPid: (pid: number | undefined) => void;
  readonly onReady: (line: ReadyLine) => void;
}

async function runOnce(options: SuperviseOptions, signal: AbortSignal, events: RunEvents): Promise<RunResult> {
  // A process group of its own: Ctrl-C in a terminal must not reach the programs before their turn to stop.
  const child = spawn(options.file, [...options.args], {
    detached: true,
    env: { ...withoutPorts(process.env), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit").then(([code, name]) => `exit ${code ?? name}`, String);
  if (child.pid !== undefined) options.onStart?.(child.pid);
  events.onPid(child.pid);
  const lastLines: string[] = [];
  let isLate = false;
  const readyTimer = setTimeout(() => {
    isLate = true;
    sendSignal(child, "SIGKILL");
  }, options.readyTimeoutMs ?? 20_000);
  const onLine = (line: string) => {
    const ready = parseReadyLine(line, options.name);
    if (ready === undefined) return;
    clearTimeout(readyTimer);
    events.onReady(ready);
  };
  const closed = readOutput(child, options.output, lastLines, onLine);
  const stop = stopOnAbort(child, signal, options.stopTimeoutMs ?? 10_000);
  const reason = await ended;
  clearTimeout(readyTimer);
  stop[Symbol.dispose]();
  // A grandchild may hold the pipes open for longer: the exit counts, not their end.
  await Promise.race([closed, waitFor(200)]);
  return { reason: isLate ? "not ready in time, killed" : reason, lastLines };
}

/** `$PORT` of the shell is not meant for our programs, whose configuration would follow it (guide §5). */
function withoutPorts(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== "PORT" && !name.startsWith("PORT_")));
}

function readOutput(
  child: ChildProcess,
  output: RotatingLog,
  lastLines: string[],
  onLine: (line: string) => void,
): Promise<unknown> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  return Promise.all(streams.map((stream) => {
    const lines = createInterface({ input: stream });
    lines.on("line", (line) => {
      output.write(`${line}\n`);
      if (lastLines.push(line.slice(0, 500)) > 10) lastLines.shift();
      if (stream === child.stdout) onLine(line);
    });
    return once(lines, "close");
  }));
}

function parseReadyLine(line: string, program: string): ReadyLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const parsed = ReadyLine.safeParse(JSON.parse(line));
    return parsed.success && parsed.data.program === program ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Sends SIGTERM when `signal` aborts, and SIGKILL when that was not enough. */
function stopOnAbort(child: ChildProcess, signal: AbortSignal, timeoutMs: number): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    sendSignal(child, "SIGTERM");
    timer = setTimeout(() => sendSignal(child, "SIGKILL"), timeoutMs);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return {
    [Symbol.dispose]() {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(timer);
    },
  };
}

/** By process id: Deno's `ChildProcess.kill` sends one signal only. A program that is gone already needs none. */
function sendSignal(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(child.pid, signal);
  } catch {
    return;
  }
}

function toStartError(name: string, { reason, lastLines: all }: RunResult): PlatformError {
  // Programs end with a plain line for people; log entries are in the log.
  const plain = all.filter((line) => !line.startsWith("{"));
  const lastLines = plain.length > 0 ? plain : all;
  return new PlatformError(
    "unavailable",
    `Cannot start ${name}: ${reason}${lastLines.length === 0 ? "" : `:\n  ${lastLines.join("\n  ")}`}`,
    {
      details: { program: name, reason },
    },
  );
}
