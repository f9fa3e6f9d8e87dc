import { connect as connectTls } from "node:tls";
import type { BackendPlace } from "../l7/backend-place.ts";
import type { Deadlines } from "../l7/deadlines.ts";
import type { BackendRequest, BackendStream, BackendStreamEvents } from "../l7/streams.ts";
import { backendKey } from "../routes.ts";
import { connectReading } from "./connect-reading.ts";
import { BackendConnection, type BackendConnectionOptions } from "./backend-connection.ts";

/** Connections to backends that speak HTTP/1.1, kept between requests. */
export interface Http1Backends {
  /** Sends a request on an idle connection, the one used last first, or on a new one. */
  open(place: BackendPlace, request: BackendRequest, events: BackendStreamEvents): BackendStream;
  /** Closes idle connections. */
  close(): void;
}

/** Most idle connections to one backend. */
const maxIdle = 256;

/** Pools whose idle connections close after `idleMs`: before a backend of Node would close them, after 5 s (H12). */
export function createHttp1Backends(
  options: { readonly deadlines: Deadlines; readonly idleMs: number },
): Http1Backends {
  /** Idle connections by place, the one used last at the end. */
  const pools = new Map<string, BackendConnection[]>();

  function release(key: string, connection: BackendConnection): void {
    const pool = pools.get(key);
    if (pool === undefined) pools.set(key, [connection]);
    else if (pool.length < maxIdle) pool.push(connection);
    else connection.closeIfIdle();
  }

  function forget(key: string, connection: BackendConnection): void {
    const pool = pools.get(key);
    const index = pool?.lastIndexOf(connection) ?? -1;
    if (index >= 0) pool?.splice(index, 1);
    if (pool?.length === 0) pools.delete(key);
  }

  return {
    open(place, request, events) {
      const key = place.tls === undefined
        ? backendKey(place.backend)
        : `${backendKey(place.backend)}|${place.tls.serverName}`;
      const idle = place.isFresh ? undefined : pools.get(key)?.pop();
      const connection = idle ?? new BackendConnection({
        ...connect(place),
        ...options,
        onIdle: (one) => release(key, one),
        onGone: (one) => forget(key, one),
      });
      connection.begin(request, events);
      return connection;
    },
    close() {
      for (const pool of [...pools.values()]) for (const connection of [...pool]) connection.closeIfIdle();
    },
  };
}

function connect({ backend, tls }: BackendPlace): Pick<BackendConnectionOptions, "connect" | "readyEvent"> {
  if (tls === undefined) return { connect: (onBytes) => connectReading(backend, onBytes), readyEvent: "connect" };
  const options = {
    host: backend.address,
    port: backend.port,
    ca: tls.rootsPem,
    servername: tls.serverName,
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2" as const,
  };
  return {
    connect: (onBytes) => connectTls(options).setNoDelay(true).on("data", onBytes),
    readyEvent: "secureConnect",
  };
}
