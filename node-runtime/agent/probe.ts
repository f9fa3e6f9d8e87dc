import { get } from "node:http";
import { connect } from "node:net";
import type { HealthCheck } from "#shared/contract/state.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";

/** What a probe asks. */
export interface ProbeTarget {
  /** Host port by route name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Declared check. */
  readonly healthCheck: HealthCheck;
}

/** Asks once; `undefined` when healthy, else why not. */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<string | undefined>;

/** Time for one answer. */
const probeTimeoutMs = 5_000;
/** A component without routes is healthy once it ran this long. */
const steadyMs = 1_000;

/**
 * How long a fresh connection must stay open to count. The port forwarder of rootless podman accepts before it knows whether the
 * container does, and closes after some 200 ms when it does not; rootful podman refuses at once.
 */
export const settleMs = { rootful: 20, rootless: 500 } as const;

/** Probes over the host's loopback: HTTP when a path is declared (2xx or 3xx is healthy), else a TCP connect on each route. */
export function createProbe(options: { readonly settleMs: number }): Probe {
  return async (target, signal) => {
    const ports = Object.entries(target.ports);
    if (ports.length === 0) {
      await waitFor(steadyMs, signal);
      return signal.aborted ? "the probe was cancelled" : undefined;
    }
    const { path, route } = target.healthCheck;
    if (path === undefined) {
      const results = await Promise.all(ports.map(([, port]) => probeTcp(port, options.settleMs, signal)));
      return results.find((result) => result !== undefined);
    }
    const port = route === undefined ? ports[0]?.[1] : target.ports[route];
    if (port === undefined) return `the health check names the route "${route}", which does not exist`;
    return await probeHttp(port, path, signal);
  };
}

function probeHttp(port: number, path: string, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const limits = { signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeoutMs)]) };
  const request = get({ host: "127.0.0.1", port, path, agent: false, ...limits }, (response) => {
    const status = response.statusCode ?? 0;
    response.on("error", () => undefined);
    response.destroy();
    resolve(status >= 200 && status < 400 ? undefined : `GET ${path} on port ${port} answered ${status}`);
  });
  request.on("error", (error) => resolve(`GET ${path} on port ${port} failed: ${error.message}`));
  return promise;
}

function probeTcp(port: number, openMs: number, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: "127.0.0.1", port });
  let deadline = setTimeout(() => finish(`port ${port} did not accept within ${probeTimeoutMs} ms`), probeTimeoutMs);
  socket.once("connect", () => {
    clearTimeout(deadline);
    deadline = setTimeout(() => finish(undefined), openMs);
  });
  socket.once("data", () => finish(undefined));
  socket.on("error", (error) => finish(`port ${port} does not accept: ${error.message}`));
  socket.once("end", () => finish(`port ${port} closes each connection at once`));
  socket.once("close", () => finish(`port ${port} closes each connection at once`));
  const onAbort = () => finish("the probe was cancelled");
  signal.addEventListener("abort", onAbort, { once: true });
  function finish(result: string | undefined): void {
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
    resolve(result);
    socket.destroy();
  }
  return promise;
}
