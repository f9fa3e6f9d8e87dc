import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Backend, Route } from "#shared/contract/route.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import type { Attachments } from "./attachments.ts";
import { connectL4, type L4Upstream } from "./connect-l4.ts";
import type { InstanceLoad } from "./instance-load.ts";
import type { ProxyLimits } from "./limits.ts";
import type { ProxyMetrics } from "./metrics.ts";
import { relay } from "./relay.ts";
import { backendKey, routeKey } from "./routes.ts";
import { resetConnection } from "./tls/refuse-connection.ts";

/** A connection to an L4 route whose ClientHello was read. */
export interface L4Connection {
  readonly client: Socket;
  /** Everything that was read. */
  readonly bytes: Buffer;
  readonly route: Route;
  /** Verified address of the client. */
  readonly clientAddress: string;
  /** Header of the PROXY protocol for the instance, if the route wants one. */
  readonly header?: Buffer;
}

/** What {@link serveL4} needs. */
export interface L4Dependencies {
  /** Picks the instance and counts the connection. */
  readonly load: InstanceLoad;
  /** Connect and idle limits. */
  readonly limits: Pick<ProxyLimits, "connectMs" | "streamIdleMs">;
  /** Knows who is attached to which route. */
  readonly attachments: Attachments;
  /** Counts connections and refusals. */
  readonly metrics: ProxyMetrics;
  /** Receives failures to connect. */
  readonly log: Log;
}

interface Connected extends L4Upstream {
  readonly backend: Backend;
  readonly leave: () => void;
}

/**
 * Passes a TLS connection through to an instance of its route, beginning with the bytes that were read. Resolves when it has ended. An
 * instance that cannot be reached is passed over for the next; when none is left the client gets a reset.
 */
export async function serveL4(connection: L4Connection, dependencies: L4Dependencies): Promise<void> {
  const { client, route } = connection;
  const { promise, resolve } = Promise.withResolvers<void>();
  // Nothing may be read of an instance before it is read to the client, so this goes without waiting for a promise.
  connectAny(connection, dependencies, (upstream) => {
    if (upstream !== undefined) return resolve(join(connection, upstream, dependencies));
    if (!client.destroyed) {
      dependencies.metrics.refused("no-backend");
      dependencies.log.warn("no instance can be reached", { route: routeKey(route) });
    }
    resetConnection(client);
    resolve();
  });
  await promise;
}

async function join(connection: L4Connection, upstream: Connected, dependencies: L4Dependencies): Promise<void> {
  const { client, bytes, route, clientAddress, header } = connection;
  const { metrics, limits, attachments } = dependencies;
  const counters = metrics.route(routeKey(route));
  const done = counters.connection("l4");
  const detach = attachments.add({
    route,
    mode: "l4",
    clientAddress,
    instance: upstream.backend.instance,
    counters,
    socket: client,
  });
  try {
    upstream.socket.write(header === undefined ? bytes : Buffer.concat([header, bytes]));
    const idleMs = route.limits?.idleMs ?? limits.streamIdleMs;
    const readB = upstream.readTo;
    await relay(client, upstream.socket, { idleMs, onIdle: () => metrics.limited("idle"), readB });
  } finally {
    upstream.leave();
    detach();
    done();
  }
}

/** Tries one instance after the other until one takes the connection or the client is gone. */
function connectAny(
  { client, route }: L4Connection,
  { load, limits, metrics, log }: L4Dependencies,
  done: (upstream: Connected | undefined) => void,
): void {
  const failed = new Set<string>();
  let giveUp = () => {};
  const onClose = () => {
    giveUp();
    done(undefined);
  };

  function tryNext(): void {
    const backend = client.destroyed ? undefined : load.pick(route.backends, failed);
    if (backend === undefined) {
      client.off("close", onClose);
      return done(undefined);
    }
    const leave = load.enter(backend.instance);
    const cancel = connectL4(backend, limits.connectMs, (result) => {
      if (!(result instanceof PlatformError)) {
        client.off("close", onClose);
        load.worked(backend);
        return done({ ...result, backend, leave });
      }
      leave();
      load.failed(backend);
      failed.add(backendKey(backend));
      metrics.route(routeKey(route)).instanceFailure();
      log.warn("cannot connect to an instance", { route: routeKey(route), instance: backend.instance, error: result });
      tryNext();
    });
    giveUp = () => {
      cancel();
      leave();
    };
  }

  client.once("close", onClose);
  tryNext();
}
