import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TlsMaterial } from "../tls/host-servers.ts";

/** A backend that listens on loopback. */
export interface TestBackend extends AsyncDisposable {
  readonly port: number;
  /** How many connections it accepted. */
  readonly accepted: () => number;
  /** How many of them are open. */
  readonly open: () => number;
}

/** An HTTP backend. */
export async function startHttpBackend(
  listener: RequestListener,
  setUp?: (server: Server) => void,
): Promise<TestBackend> {
  const server = createServer(listener);
  setUp?.(server);
  return await listen(server);
}

/** A TLS backend that hands each connection to `onSecure`. */
export async function startTlsBackend(material: TlsMaterial, onSecure: (socket: Socket) => void): Promise<TestBackend> {
  const server = createTlsServer({ cert: material.chainPem, key: material.keyPem }, (socket) => {
    socket.on("error", () => socket.destroy());
    onSecure(socket);
  });
  return await listen(server);
}

/** A TCP backend that hands each connection to `onConnection`; half-open connections are allowed. */
export async function startTcpBackend(onConnection: (socket: Socket) => void): Promise<TestBackend> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    onConnection(socket);
  });
  return await listen(server);
}

async function listen(server: TcpServer): Promise<TestBackend> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on("connection", (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    accepted: () => accepted,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}
