import type { IncomingMessage, ServerResponse } from "node:http";
import { endGently } from "../end-gently.ts";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type CheckedRequest, checkRequest } from "./check-request.ts";

/** Where a connection came in. */
export interface ConnectionOrigin {
  /** Name that TLS was opened for. */
  readonly hostname: string;
  /** Port of the listener. */
  readonly port: number;
}

/** A connection of the L7 side after its handshake. */
export interface SecureConnection extends ConnectionOrigin {
  /** The connection itself. */
  readonly socket: TLSSocket;
  /** Verified address of the client. */
  readonly clientAddress: string;
  /** Requests and upgraded streams in flight. */
  active: number;
  /** Response to the newest request. */
  response: ServerResponse | undefined;
  /** Whether the newest request is the last one: what follows it on the connection is never looked at (RFC 9112 §9.6). */
  isLast: boolean;
}

/** The L7 connections that are open. */
export interface SecureConnections {
  /** Adds a connection until it closes. */
  add(socket: TLSSocket, origin: ConnectionOrigin): void;
  /** The connection on `socket`. */
  find(socket: Duplex): SecureConnection | undefined;
  /** Closes those without a request. */
  closeIdle(): void;
}

/** No connections. */
export function createSecureConnections(): SecureConnections {
  const connections = new Map<Duplex, SecureConnection>();
  return {
    add(socket, origin) {
      const clientAddress = (socket.remoteAddress ?? "0.0.0.0").replace(/^::ffff:/, "");
      connections.set(socket, { ...origin, socket, clientAddress, active: 0, response: undefined, isLast: false });
      socket.on("close", () => connections.delete(socket));
      socket.on("error", () => socket.destroy());
      // What node's server calls after a response with "Connection: close".
      socket.destroySoon = () => endGently(socket);
      skipEmptyWrites(socket);
    },
    find: (socket) => connections.get(socket),
    closeIdle() {
      for (const { socket, active } of connections.values()) if (active === 0) socket.destroy();
    },
  };
}

/**
 * Node's HTTP server ends a body of known length with an empty write. On a TLS socket of Deno that write never calls back: the
 * response would never finish, and whatever is written after it would never be sent. What is corked comes as one write anyway.
 */
function skipEmptyWrites(socket: TLSSocket): void {
  const write = socket._write.bind(socket);
  socket._write = (chunk, encoding, done) => chunk.length === 0 ? done() : write(chunk, encoding, done);
}

/** The check of a request on its connection. */
export function checkOn(connection: ConnectionOrigin, request: IncomingMessage): CheckedRequest {
  const { method = "", url: target = "", httpVersion, rawHeaders } = request;
  return checkRequest({ method, target, httpVersion, rawHeaders }, connection.hostname);
}
