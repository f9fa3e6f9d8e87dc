import { getRequestListener, serve } from "@hono/node-server";
import { chmod, rename, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import process from "node:process";
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

/**
 * Serves a program's admin endpoints on a Unix socket, which whoever may open it may use: `mode` is its permissions. A socket that
 * is there already is replaced at once, also that of a running program, so that a new release can take over.
 *
 * @throws {PlatformError} unavailable — when the socket cannot be made
 */
export async function serveAdminSocket(
  app: AdminApp,
  at: { readonly path: string; readonly mode: number },
): Promise<AsyncDisposable> {
  const server = createServer(getRequestListener(app.fetch));
  // Node removes the name that it bound when it closes, which must not be the name of whoever came after.
  const boundPath = `${at.path}.${process.pid}`;
  try {
    await rm(boundPath, { force: true });
    const listening = Promise.withResolvers<void>();
    server.once("error", listening.reject);
    server.listen(boundPath, listening.resolve);
    await listening.promise;
    await chmod(boundPath, at.mode);
    await rename(boundPath, at.path);
  } catch (cause) {
    server.close();
    throw new PlatformError("unavailable", `Cannot serve the admin endpoints at "${at.path}"`, { cause });
  }
  const { ino } = await stat(at.path);
  return {
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
      const current = await stat(at.path).catch(() => undefined);
      if (current?.ino === ino) await rm(at.path, { force: true });
    },
  };
}
