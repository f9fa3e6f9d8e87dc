import process from "node:process";
import { describeError, toPlatformError } from "../errors/platform-error.ts";
import type { Log } from "../log/log.ts";

/** Something that runs until it is disposed. */
export interface Running extends AsyncDisposable {
  /** Facts printed in the `ready` line, such as bound addresses. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** How long its disposal may last, when it is not as long as that of every program of its kind. */
  readonly drainMs?: number;
}

/**
 * Runs one program of the platform: starts it, prints `{"ready":true,"program":…}` on stdout, and disposes it at SIGTERM or
 * SIGINT. A second signal, or a disposal longer than `drainMs`, ends the process at once through the default action.
 * Sets `process.exitCode`; a start that fails prints its reason and exits with the error's code.
 */
export async function runProgram(
  options: { readonly name: string; readonly log: Log; readonly drainMs?: number },
  start: () => Promise<Running>,
): Promise<void> {
  const stop = Promise.withResolvers<string>();
  const onSignal = (signal: string) => stop.resolve(signal);
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
  try {
    await using running = await start();
    process.stdout.write(JSON.stringify({ ready: true, program: options.name, ...running.ready }) + "\n");
    const signal = await stop.promise;
    options.log.info("stopping", { signal });
    armHardStop(running.drainMs ?? options.drainMs ?? 35_000);
  } catch (error) {
    const { entry } = toPlatformError(error);
    options.log.error("cannot run", { error });
    process.stderr.write(`${options.name}: ${describeError(error)}\n`);
    process.exitCode = entry.exitCode;
  } finally {
    process.removeListener("SIGTERM", onSignal);
    process.removeListener("SIGINT", onSignal);
  }
}

/** Kills the process if it is still there after the drain time: a hung connection must not hold a restart. */
function armHardStop(drainMs: number): void {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), drainMs).unref();
}
