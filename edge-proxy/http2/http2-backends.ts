import type { BackendRequest, BackendStream, BackendStreamEvents } from "../l7/streams.ts";
import { backendKey } from "../routes.ts";
import type { BackendPlace } from "../l7/backend-place.ts";
import { BackendPool, type BackendPoolOptions } from "./backend-pool.ts";
import { Http2BackendStream } from "./backend-stream.ts";

/** What {@link createHttp2Backends} needs. */
export type Http2BackendsOptions = BackendPoolOptions;

/** Connections to backends that speak HTTP/2, each for many requests at a time. Never falls back to HTTP/1.1 (G2). */
export interface Http2Backends {
  /** Sends a request on a connection with room for it, or on a new one. */
  open(place: BackendPlace, request: BackendRequest, events: BackendStreamEvents): BackendStream;
  /** Keeps only the connections to `keys` (see `backendKey`): the others close after the requests under way. */
  retain(keys: ReadonlySet<string>): void;
  /** Closes all connections after the requests under way. */
  close(): void;
}

/** Backends without a connection yet. */
export function createHttp2Backends(options: Http2BackendsOptions): Http2Backends {
  const pools = new Map<string, { readonly backend: string; readonly pool: BackendPool }>();

  function poolOf(place: BackendPlace): BackendPool {
    const backend = backendKey(place.backend);
    const key = `${backend}|${place.tls?.serverName ?? ""}|${place.tls?.rootsPem ?? ""}`;
    const known = pools.get(key);
    if (known !== undefined) return known.pool;
    const pool = new BackendPool(place, options, () => pools.delete(key));
    pools.set(key, { backend, pool });
    return pool;
  }

  return {
    open(place, request, events) {
      const stream = new Http2BackendStream(request, events);
      poolOf(place).open(stream, place.isFresh);
      return stream;
    },
    retain(keys) {
      for (const { backend, pool } of [...pools.values()]) if (!keys.has(backend)) pool.retire();
    },
    close() {
      for (const { pool } of [...pools.values()]) pool.retire();
    },
  };
}
