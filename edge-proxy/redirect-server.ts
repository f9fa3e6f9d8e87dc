import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import { resetConnection } from "./tls/refuse-connection.ts";

/** What {@link openRedirectServer} needs. */
export interface RedirectServerOptions {
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Descriptor of an inherited listening socket to use instead. */
  readonly fd?: number;
  readonly reusePort?: boolean;
  /** External port of the route for a host name; `undefined` when there is none. */
  readonly portOf: (hostname: string) => number | undefined;
  /** Answer to an ACME challenge (RFC 8555 §8.3); `undefined` when there is none. */
  readonly answerChallenge: (hostname: string, path: string) => string | undefined;
  /** Whether the firewall refuses a client. */
  readonly isBlocked: (address: string) => boolean;
  /** Until a request's head is complete. */
  readonly requestHeadMs: number;
  /** Open connections. */
  readonly maxConnections: number;
  readonly log: Log;
}

/** The plain HTTP listener. */
export interface RedirectServer extends AsyncDisposable {
  readonly port: number;
}

const challengePath = "/.well-known/acme-challenge/";

/**
 * Answers plain HTTP: ACME challenges, and for known names a redirect (308) to the same place over HTTPS. Nothing that comes in here
 * reaches an instance.
 *
 * @throws {PlatformError} conflict — when the port cannot be opened
 */
export async function openRedirectServer(options: RedirectServerOptions): Promise<RedirectServer> {
  const server = createServer({
    requestTimeout: options.requestHeadMs,
    headersTimeout: options.requestHeadMs,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16 * 1024,
  }, (request, response) => answer(request, response, options));
  server.maxConnections = options.maxConnections;
  server.on("connection", (socket: Socket) => {
    if (options.isBlocked(socket.remoteAddress ?? "")) resetConnection(socket);
  });
  server.on("clientError", (_error, socket) => void socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  if (options.fd !== undefined) server.listen({ fd: options.fd }, resolve);
  else server.listen({ host: options.address, port: options.port, reusePort: options.reusePort ?? false }, resolve);
  await promise.catch((cause: unknown) => {
    throw new PlatformError("conflict", `Cannot listen on "${options.address}:${options.port}" for plain HTTP`, {
      cause,
    });
  });
  server.off("error", reject).on("error", (error) => options.log.error("the plain HTTP listener failed", { error }));
  const bound = server.address();
  return {
    port: bound !== null && typeof bound === "object" ? bound.port : options.port,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, options: RedirectServerOptions): void {
  // The body of a redirected request is of no use to anyone.
  response.setHeader("connection", "close");
  const hostname = hostOf(request);
  const path = request.url ?? "/";
  if (hostname === undefined || !/^\/[\x21-\x7e]*$/.test(path)) return end(response, 400, "Bad request\n");
  if (path.startsWith(challengePath)) {
    const text = options.answerChallenge(hostname, path);
    return text === undefined ? end(response, 404, "No such challenge\n") : end(response, 200, text);
  }
  const port = options.portOf(hostname);
  if (port === undefined) return end(response, 404, "No such host\n");
  response.setHeader("location", `https://${hostname}${port === 443 ? "" : `:${port}`}${path}`);
  end(response, 308, "");
}

/** The one host name of a request, in lower case, without port and trailing dot. */
function hostOf(request: IncomingMessage): string | undefined {
  const hosts = request.rawHeaders.filter((_text, index, all) =>
    index % 2 === 1 && all[index - 1]?.toLowerCase() === "host"
  );
  const [host] = hosts;
  if (hosts.length !== 1 || host === undefined) return undefined;
  const name = /^([a-z0-9._-]{1,253}?)\.?(?::\d{1,5})?$/i.exec(host)?.[1];
  return name?.toLowerCase();
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "content-length": text.length }).end(text);
}
