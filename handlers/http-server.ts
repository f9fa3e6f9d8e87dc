import { serve } from "@hono/node-server";
import { requestIdOf } from "#shared/contract/request-facts.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { toProblemResponse } from "#shared/errors/problem.ts";
import { waitFor } from "#shared/lifecycle/wait.ts";
import type { SystemFetch } from "./compose.ts";

/** A listening server. Until it has a handler it answers `unavailable`. */
export interface HttpServer extends AsyncDisposable {
  /** Origin by which this machine reaches it. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  /** Hands requests to `fetch` from now on. */
  handle(fetch: SystemFetch): void;
  /** Takes no new connections; those that are busy go on until disposal. */
  close(): void;
}

/** How long busy connections may go on at disposal. */
const drainMs = 5_000;

/**
 * Listens at an address; port 0 picks a free one.
 *
 * @throws {PlatformError} conflict — when the address cannot be listened at
 */
export async function listenHttp(at: { readonly host: string; readonly port: number }): Promise<HttpServer> {
  let handler: SystemFetch = (request) =>
    toProblemResponse(
      new PlatformError("unavailable", "Cannot answer yet: the server is starting", {
        details: { retryAfterSeconds: 1 },
      }),
      requestIdOf(request),
    );
  const listening = Promise.withResolvers<number>();
  const server = serve({
    fetch: (request, env) => handler(request, env),
    hostname: at.host,
    port: at.port,
    // Log streams of agents are requests that go on for days, so only the head has a limit. Clients keep connections for a
    // minute; closing before them would fail the request that is just on its way.
    serverOptions: { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 75_000 },
  }, ({ port }) => listening.resolve(port));
  server.once("error", listening.reject);
  const port = await listening.promise.catch((cause: unknown) => {
    const place = `${at.host}:${at.port}`;
    throw new PlatformError(
      "conflict",
      `Cannot listen at "${place}": it is taken or not allowed, expected a free address`,
      { cause },
    );
  });
  const closed = Promise.withResolvers<void>();
  const close = () => void server.close(() => closed.resolve());
  return {
    origin: `http://${loopbackOf(at.host)}:${port}`,
    host: loopbackOf(at.host),
    port,
    handle: (fetch) => void (handler = fetch),
    close,
    async [Symbol.asyncDispose]() {
      close();
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      const deadline = new AbortController();
      await Promise.race([closed.promise, waitFor(drainMs, deadline.signal)]);
      deadline.abort();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed.promise;
    },
  };
}

function loopbackOf(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
