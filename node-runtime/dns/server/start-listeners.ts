import type { DnsMetrics } from "./metrics.ts";
import type { EndpointAddress } from "../forward/endpoint-address.ts";
import { endpointToText } from "../forward/endpoint-address.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Responder } from "./responder.ts";
import { startTcpServer, type TcpLimits } from "./tcp-server.ts";
import { type DnsListener, startUdpServer } from "./udp-server.ts";

/** What {@link startListeners} needs. */
export interface StartListenersOptions {
  readonly endpoints: readonly EndpointAddress[];
  readonly responder: Responder;
  readonly metrics: DnsMetrics;
  readonly tcpLimits?: TcpLimits;
}

/** Servers for UDP and TCP at each endpoint. */
export interface Listeners extends AsyncDisposable {
  /** Where both serve; ports are real ones. */
  readonly endpoints: readonly EndpointAddress[];
}

/** How often a port that UDP got by chance may turn out to be taken for TCP. */
const maxPortTries = 20;

/**
 * Serves DNS over UDP and TCP at the same port of each endpoint.
 *
 * @throws {PlatformError} unavailable — when a port is taken or may not be used
 */
export async function startListeners(options: StartListenersOptions): Promise<Listeners> {
  const stack = new AsyncDisposableStack();
  try {
    const endpoints: EndpointAddress[] = [];
    for (const endpoint of options.endpoints) {
      const pair = stack.use(await startPair(endpoint, options));
      endpoints.push(pair.endpoint);
    }
    return { endpoints, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function startPair(endpoint: EndpointAddress, options: StartListenersOptions): Promise<DnsListener> {
  for (let left = endpoint.port === 0 ? maxPortTries : 1;; left--) {
    const stack = new AsyncDisposableStack();
    try {
      const udp = stack.use(await startUdpServer({ ...options, endpoint }));
      const limits = options.tcpLimits === undefined ? {} : { limits: options.tcpLimits };
      stack.use(await startTcpServer({ ...options, endpoint: udp.endpoint, ...limits }));
      return { endpoint: udp.endpoint, [Symbol.asyncDispose]: () => stack.disposeAsync() };
    } catch (cause) {
      await stack.disposeAsync();
      if (left > 1) continue;
      throw new PlatformError(
        "unavailable",
        `Cannot serve DNS at "${endpointToText(endpoint)}", expected a free port`,
        { cause },
      );
    }
  }
}
