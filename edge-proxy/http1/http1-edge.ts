import type { Socket } from "node:net";
import type { Deadlines } from "../l7/deadlines.ts";
import type { ClientOrigin, ServeStream } from "../l7/streams.ts";
import type { ProxyLimits } from "../limits.ts";
import { ClientConnection } from "./client-connection.ts";

/** What {@link createHttp1Edge} needs. */
export interface Http1EdgeOptions {
  /** Takes over each request. */
  readonly serve: ServeStream;
  readonly limits: ProxyLimits;
  readonly deadlines: Deadlines;
  /** Hears of bytes that are no request; gives the id that the answer names. */
  readonly onRefused: (origin: ClientOrigin, status: number, reason: string) => string;
}

/** The HTTP/1.1 side of the proxy towards clients (RFC 9112). */
export interface Http1Edge {
  /** Serves a connection whose TLS is done. */
  accept(socket: Socket, origin: ClientOrigin): void;
  /** Closes connections without a request now, the others after their response. */
  drain(): void;
}

/** An edge without connections; never listens itself. */
export function createHttp1Edge(options: Http1EdgeOptions): Http1Edge {
  const connections = new Set<ClientConnection>();
  let isDraining = false;
  const shared = { ...options, isDraining: () => isDraining };
  return {
    accept(socket, origin) {
      const connection = new ClientConnection(socket, origin, shared);
      connections.add(connection);
      socket.on("close", () => connections.delete(connection));
    },
    drain() {
      isDraining = true;
      for (const connection of connections) connection.closeIfIdle();
    },
  };
}
