import { serve } from "@hono/node-server";
import { PlatformError } from "../errors/platform-error.ts";

/** The admin endpoints of a node-local program, such as an itty-router. */
export interface AdminApp {
  /** Answers a request. */
  readonly fetch: (request: Request) => Promise<Response> | Response;
}

/** Running admin endpoints. */
export interface AdminServer extends AsyncDisposable {
  /** Origin that they are served at. */
  readonly url: string;
}

/**
 * Serves a program's admin endpoints over plain HTTP. They have no login: `host` is a loopback address.
 *
 * @throws {PlatformError} unavailable — when the port is taken
 */
export async function serveAdmin(
  app: AdminApp,
  at: { readonly host: string; readonly port: number },
): Promise<AdminServer> {
  const listening = Promise.withResolvers<number>();
  const server = serve({ fetch: app.fetch, hostname: at.host, port: at.port }, ({ port }) => listening.resolve(port));
  server.once("error", listening.reject);
  const port = await listening.promise.catch((cause: unknown) => {
    const place = `${at.host}:${at.port}`;
    throw new PlatformError("unavailable", `Cannot serve the admin endpoints at "${place}", expected a free port`, {
      cause,
    });
  });
  return {
    url: `http://${at.host.includes(":") ? `[${at.host}]` : at.host}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed.promise;
    },
  };
}
