import { PlatformError } from "#shared/errors/platform-error.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { LoadOutcome } from "./measure-load.ts";
import { outputOfLoad, requireProgram } from "./processes.ts";

/** Host name that all proxies of the benchmarks serve; it is sent as SNI, which no load generator but h2load can without DNS. */
export const benchHost = "a.test";

/** One kind of load over HTTP/1.1 and TLS. */
export interface HttpLoad {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** How long; or how many requests. */
  readonly amount: { readonly seconds: number } | { readonly requests: number };
  /** Opens a connection for each request, without resuming TLS sessions. */
  readonly closes?: boolean;
}

/**
 * Runs one load with h2load.
 *
 * @throws {PlatformError} upstream-failed — when a request failed or was not answered with 2xx
 */
export async function runHttpLoad(load: HttpLoad): Promise<LoadOutcome> {
  const { port, path, connections, amount } = load;
  const amountArgs = "seconds" in amount ? ["-D", String(amount.seconds)] : ["-n", String(amount.requests)];
  const output = await outputOfLoad(requireProgram("h2load", "nghttp2-client"), [
    ...["--h1", "-t1", "-c", String(connections), ...amountArgs, `--connect-to=127.0.0.1:${port}`],
    ...(load.closes === true ? ["-H", "connection: close"] : []),
    `https://${benchHost}:${port}${path}`,
  ]);
  return readOutcome(output);
}

function readOutcome(output: string): LoadOutcome {
  const [, unitsPerSecond] = /finished in \S+, ([\d.]+) req\/s/.exec(output) ?? [];
  const [requests = "", total] = /requests: (\d+) total.*/.exec(output) ?? [];
  const [, good] = /status codes: (\d+) 2xx/.exec(output) ?? [];
  const isClean = / 0 failed, 0 errored, 0 timeout/.test(requests) && good === total && Number(total) > 0;
  if (!isClean || unitsPerSecond === undefined) {
    const summary = output.split("\n").filter((line) => /^(finished|requests|status codes)/.test(line)).join("; ");
    throw new PlatformError(
      "upstream-failed",
      `Cannot use a run of h2load: expected 2xx only, but it says "${summary}"`,
    );
  }
  return { units: Number(good), unitsPerSecond: Number(unitsPerSecond) };
}

/** Resolves once a server answers a request over verified-by-nobody TLS. */
export async function waitForHttps(port: number, path: string): Promise<void> {
  const probe = { port, path, connections: 1, amount: { requests: 1 } };
  await waitUntil(() => runHttpLoad(probe).then(() => true, () => undefined), {
    action: `get ${path} at port ${port}`,
    timeoutMs: 20_000,
    intervalMs: 200,
  });
}
