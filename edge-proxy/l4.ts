import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Route } from "#shared/contract/route.ts";
import type { Log } from "#shared/log/log.ts";
import { connectBackend } from "./connect-backend.ts";
import type { InstanceLoad } from "./instance-load.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics } from "./metrics.ts";
import { relay } from "./relay.ts";
import { backendKey, routeKey } from "./routes.ts";
import { resetConnection } from "./tls/refuse-connection.ts";

/** What {@link serveL4} needs. */
export interface L4Dependencies {
  /** Picks the instance and counts the connection. */
  readonly load: InstanceLoad;
  /** Connect and idle limits. */
  readonly limits: Pick<ProxyLimits, "connectMs" | "streamIdleMs">;
  /** Counts connections and refusals. */
  readonly metrics: ProxyMetrics;
  /** Receives failures to connect. */
  readonly log: Log;
}

/**
 * Passes a TLS connection through to an instance of `route`, beginning with `bytes`. Resolves when it has ended. An instance
 * that cannot be reached is passed over for the next; when none is left the client gets a reset.
 */
export async function serveL4(
  connection: { readonly client: Socket; readonly bytes: Buffer; readonly route: Route },
  dependencies: L4Dependencies,
): Promise<void> {
  const { client, bytes, route } = connection;
  const { limits, metrics } = dependencies;
  const upstream = await connectAny(route, dependencies);
  if (upstream === undefined) {
    metrics.refused("no-backend");
    return resetConnection(client);
  }
  const done = metrics.route(routeKey(route)).connection("l4");
  try {
    upstream.socket.write(bytes);
    await relay(client, upstream.socket, { idleMs: limits.streamIdleMs });
  } finally {
    upstream.leave();
    done();
  }
}

async function connectAny(
  route: Route,
  { load, limits, log }: L4Dependencies,
): Promise<{ readonly socket: Socket; readonly leave: () => void } | undefined> {
  const failed = new Set<string>();
  for (let backend = load.pick(route.backends); backend !== undefined; backend = load.pick(route.backends, failed)) {
    const leave = load.enter(backend.instance);
    try {
      return { socket: await connectBackend(backend, limits.connectMs), leave };
    } catch (error) {
      leave();
      failed.add(backendKey(backend));
      log.warn("cannot connect to an instance", { route: routeKey(route), instance: backend.instance, error });
    }
  }
  return undefined;
}
