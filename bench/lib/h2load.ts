import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseH2loadLog, parseH2loadOutput } from "./h2load-output.ts";
import type { LoadOutcome } from "./measure-load.ts";
import { outputOfLoad, requireProgram, temporaryFolder } from "./processes.ts";

/** Host name that all proxies of the benchmarks serve; it is sent as SNI, which no load generator but h2load can without DNS. */
export const benchHost = "a.test";

/** One kind of load over HTTP and TLS. */
export interface HttpLoad {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** How long; or how many requests. */
  readonly amount: { readonly seconds: number } | { readonly requests: number };
  /** HTTP/1.1 unless given. */
  readonly protocol?: "http/1.1" | "h2";
  /** Requests at a time on each connection of HTTP/2. */
  readonly streams?: number;
  /** File that each request carries. */
  readonly uploadPath?: string;
  /** Opens a connection for each request, without resuming TLS sessions. */
  readonly closes?: boolean;
  /** In the clear: to see what load generator and backend can do. */
  readonly isPlain?: boolean;
}

/** What h2load saw. */
export interface HttpOutcome extends LoadOutcome {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests without an answer, or with one that is not 2xx. */
  readonly failed: number;
}

/**
 * Runs one load with h2load.
 *
 * @throws {PlatformError} upstream-failed — when a request failed or was not answered with 2xx, or over another protocol
 */
export async function runHttpLoad(load: HttpLoad): Promise<HttpOutcome> {
  const { outcome, text } = await runH2load(load);
  if (outcome.failed === 0 && outcome.units > 0) return outcome;
  throw new PlatformError("upstream-failed", `Cannot use a run of h2load: expected 2xx only, but it says "${text}"`);
}

/**
 * Runs one load with h2load, and counts what fails.
 *
 * @throws {PlatformError} upstream-failed — when h2load cannot connect
 */
export async function countHttpLoad(load: HttpLoad): Promise<HttpOutcome> {
  return (await runH2load(load)).outcome;
}

async function runH2load(load: HttpLoad): Promise<{ readonly outcome: HttpOutcome; readonly text: string }> {
  await using folder = await temporaryFolder();
  const logPath = join(folder.path, "requests");
  const output = await outputOfLoad(requireProgram("h2load", "nghttp2-client"), [
    ...toArguments(load),
    `--log-file=${logPath}`,
    `${load.isPlain === true ? "http" : "https"}://${benchHost}:${load.port}${load.path}`,
  ]);
  const summary = parseH2loadOutput(output);
  if (summary === undefined || summary.succeeded + summary.failed === 0) {
    throw new PlatformError("upstream-failed", `Cannot use a run of h2load: it says "${output.trim().slice(-400)}"`);
  }
  const { protocol = "http/1.1" } = load;
  if (load.isPlain !== true && (summary.protocol ?? "http/1.1") !== protocol) {
    throw new PlatformError(
      "upstream-failed",
      `Cannot use a run of h2load: port ${load.port} agreed on "${summary.protocol}", expected "${protocol}"`,
    );
  }
  const { succeeded, failed, perSecond, text } = summary;
  const times = parseH2loadLog(await readFile(logPath, "utf8"));
  return { outcome: { units: succeeded, unitsPerSecond: perSecond, failed, ...times }, text };
}

function toArguments({ port, connections, amount, protocol, streams, uploadPath, closes }: HttpLoad): string[] {
  return [
    ...(protocol === "h2" ? [`-m${streams ?? 1}`] : ["--h1"]),
    ...["-t1", "-c", String(connections), `--connect-to=127.0.0.1:${port}`],
    ...("seconds" in amount ? ["-D", String(amount.seconds)] : ["-n", String(amount.requests)]),
    ...(uploadPath === undefined ? [] : ["-d", uploadPath]),
    ...(closes === true ? ["-H", "connection: close"] : []),
  ];
}

/** Says whether a server answers a request over verified-by-nobody TLS. */
export function answersHttps(port: number, path: string): Promise<boolean> {
  return runHttpLoad({ port, path, connections: 1, amount: { requests: 1 } }).then(() => true, () => false);
}
