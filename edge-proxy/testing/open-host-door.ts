import { createServer, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { peekClientHello } from "../tls/peek-client-hello.ts";
import { createHostServers, type HostServers, type HostServersOptions } from "../tls/host-servers.ts";

/** Host servers behind a listener that reads the ClientHello first, as the proxy does. */
export interface HostDoor extends AsyncDisposable {
  readonly port: number;
  readonly hosts: HostServers;
  /** Handshakes that failed: host name and reason. */
  readonly faults: string[];
  /** Connections whose handshake is done: name, protocol, and whether the session was resumed. */
  readonly secured: { readonly serverName: string; readonly protocol: string; readonly isResumed: boolean }[];
}

/** A door that answers `hello` on each connection; `routeOf` gives the host name that a server name is routed to. */
export async function openHostDoor(
  options: Partial<HostServersOptions> & { readonly routeOf?: (serverName: string) => string } = {},
): Promise<HostDoor> {
  const { routeOf = (serverName) => serverName, ...given } = options;
  const faults: string[] = [];
  const secured: { serverName: string; protocol: string; isResumed: boolean }[] = [];
  const sockets = new Set<Socket>();
  const hosts = createHostServers({
    handshakeMs: 10_000,
    onSecure(socket, serverName, protocol) {
      secured.push({ serverName, protocol, isResumed: socket.isSessionReused() });
      greet(socket);
    },
    onFault: (hostname, reason) => void faults.push(`${hostname} ${reason}`),
    ...given,
  });
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    void admit(socket);
  });

  async function admit(socket: Socket): Promise<void> {
    const peeked = await peekClientHello(socket, { firstByteMs: 20_000, clientHelloMs: 20_000 });
    if (peeked.kind === "refused") return void socket.destroy();
    socket.unshift(peeked.bytes);
    if (!hosts.accept(routeOf(peeked.hello.serverName ?? ""), socket)) socket.destroy();
  }

  const { promise, resolve } = Promise.withResolvers<void>();
  listener.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = listener.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    hosts,
    faults,
    secured,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      listener.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

/** Says hello, then echoes until the client is done. */
function greet(socket: TLSSocket): void {
  socket.on("error", () => socket.destroy()).on("end", () => socket.end());
  socket.on("data", (chunk) => socket.write(chunk));
  socket.write("hello");
}
