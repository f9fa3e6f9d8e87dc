import type { TLSSocket } from "node:tls";
import { type ClientOrigin, resetCodes } from "../l7/streams.ts";
import { ClientSession, type SessionContext } from "./client-session.ts";

/** What {@link createHttp2Edge} needs. */
export type Http2EdgeOptions = SessionContext;

/** The HTTP/2 side of the proxy towards clients (RFC 9113); on Node only, see {@link isHttp2Offered}. */
export interface Http2Edge {
  /** Serves a connection whose TLS is done, and agreed on `h2`. */
  accept(socket: TLSSocket, origin: ClientOrigin): void;
  /** Requests under way. */
  streams(): number;
  /** Takes no more requests: each connection is told by GOAWAY, and closes after those under way (T7). */
  drain(): void;
  /** Cuts all connections. */
  close(): void;
}

/** An edge without connections; never listens itself. */
export function createHttp2Edge(options: Http2EdgeOptions): Http2Edge {
  const sessions = new Set<ClientSession>();
  let isDraining = false;
  return {
    accept(socket, origin) {
      // The client left in the turn in which its handshake was done.
      if (socket.destroyed) return;
      const session = new ClientSession(socket, origin, options);
      sessions.add(session);
      socket.on("close", () => sessions.delete(session));
      if (isDraining) session.close();
    },
    streams: () => [...sessions].reduce((sum, session) => sum + session.streams, 0),
    drain() {
      isDraining = true;
      for (const session of sessions) session.close();
    },
    close() {
      for (const session of sessions) session.destroy(resetCodes.cancel, "the proxy closes");
    },
  };
}
