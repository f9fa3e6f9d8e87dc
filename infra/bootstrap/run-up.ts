import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describeError, PlatformError, toPlatformError } from "#shared/errors/platform-error.ts";
import { createLog } from "#shared/log/log.ts";
import { layoutOf } from "./layout.ts";
import { openRotatingLog, type RotatingLog } from "./rotating-log.ts";
import { deploySample, isSampleStopped, sampleDefinitionPath } from "./sample.ts";
import { renderSampleHint, renderScreen } from "./screen.ts";
import { type ReadyFacts, startUp, type UpDependencies } from "./up.ts";
import type { UpOptions } from "./up-options.ts";

/** What {@link runUp} takes besides the operator's options. */
export interface RunUpOptions extends Pick<UpDependencies, "sourceFolder"> {
  /** The first line on stdout is JSON and the only one. */
  readonly json: boolean;
  /** Whether the sample service is deployed: `first-boot` when this folder never had it. */
  readonly sample: "never" | "first-boot" | "always";
  /** Stops once the sample has been seen to serve. */
  readonly once?: boolean;
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Runs a platform in the foreground until a signal comes, and sets `process.exitCode`. A signal during the start ends that. */
export async function runUp(options: UpOptions, run: RunUpOptions): Promise<void> {
  const startMs = performance.now();
  const stopping = new AbortController();
  const stopped = Promise.withResolvers<void>();
  const onSignal = () => {
    stopping.abort();
    stopped.resolve();
  };
  for (const signal of signals) process.on(signal, onSignal);
  using file = openLog(options.folder);
  const log = createLog({ system: "up", write: (line) => file.write(line) });
  try {
    await using platform = await startUp(options, { sourceFolder: run.sourceFolder, log, signal: stopping.signal });
    const tookMs = Math.round(performance.now() - startMs);
    if (run.json) process.stdout.write(JSON.stringify({ ready: true, ...platform.facts }) + "\n");
    else process.stdout.write(renderScreen(platform.facts, { folder: options.folder, node: options.node, tookMs }));
    log.info("ready", { tookMs });
    const hasFailed = await runSample(options, run, { facts: platform.facts, signal: stopping.signal });
    if (hasFailed) process.exitCode = 1;
    if (run.once !== true) await stopped.promise;
    if (!run.json) process.stderr.write("Stopping …\n");
  } catch (error) {
    log.error("cannot run", { error });
    renderUpError(error, { json: run.json, logs: join(options.folder, "logs") });
  } finally {
    for (const signal of signals) process.removeListener(signal, onSignal);
  }
}

/** The log of `up` itself; to open it shows whether the folder can be used. */
function openLog(folder: string): RotatingLog {
  try {
    return openRotatingLog({ path: layoutOf(folder).log("up") });
  } catch (cause) {
    throw new PlatformError(
      "invalid-usage",
      `Cannot use --dir "${folder}": it cannot be written to, expected a folder of your own`,
      { cause },
    );
  }
}

/** Writes an error of `up` to stderr, as one JSON object under `--json`, and sets the exit code. */
export function renderUpError(
  error: unknown,
  { json, logs }: { readonly json: boolean; readonly logs?: string },
): void {
  const { code, details, entry } = toPlatformError(error);
  const message = describeError(error);
  if (json) process.stderr.write(`${JSON.stringify({ code, message, details: { ...details, logs } })}\n`);
  else process.stderr.write(`metacircular up: ${message}\n${logs === undefined ? "" : `  logs: ${logs}\n`}`);
  process.exitCode = entry.exitCode;
}

/** Deploys the sample when it is wanted; a failure is told, and the platform goes on. Says whether it failed. */
async function runSample(
  options: UpOptions,
  run: RunUpOptions,
  { facts, signal }: { readonly facts: ReadyFacts; readonly signal: AbortSignal },
): Promise<boolean> {
  const layout = layoutOf(options.folder);
  const isThere = existsSync(sampleDefinitionPath(layout.services));
  if (signal.aborted || run.sample === "never" || (run.sample === "first-boot" && isThere)) return false;
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  if (await isSampleStopped(layout.services)) {
    say("The sample service hello stays stopped: its definition says active = false. To start it: npx mcp start hello");
    return false;
  }
  try {
    say("Deploying the sample service hello:");
    const url = await deploySample({
      facts,
      node: options.node,
      sourceFolder: run.sourceFolder,
      workspace: layout.workspace,
      servicesFolder: layout.services,
      signal,
      onStep: ({ name, durationMs }) => say(`  ${name.padEnd(48)} ${String(durationMs).padStart(6)} ms`),
    });
    say(renderSampleHint(facts, url));
    return false;
  } catch (error) {
    if (!signal.aborted) say(`metacircular: ${describeError(error)}`);
    return !signal.aborted;
  }
}
