import { createServer, type Server, type Socket } from "node:net";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";
import { createExtraPorts, type PortState } from "./extra-ports.ts";

/** What {@link createListeners} needs. */
export interface ListenersOptions {
  /** Address that every listener binds. */
  readonly address: string;
  /** Takes over an accepted connection; one that it fails on is cut. */
  readonly onConnection: (socket: Socket, port: number) => Promise<void>;
  /** Called when a port was opened or failed to open. */
  readonly onChange: () => void;
  /** Receives failures to open a port, and of connections. */
  readonly log: Log;
}

/** The TCP listeners of the proxy. Closing one leaves its accepted connections alone. */
export interface Listeners {
  /** Opens the main port; 0 picks a free one. Gives back the port. */
  openMain(port: number): Promise<number>;
  /** Makes `ports` the open ports beside the main one: opens new ones in the background, closes others. */
  setExtraPorts(ports: ReadonlySet<number>): void;
  /** What is known of an extra port. */
  state(port: number): PortState;
  /** Stops accepting everywhere. Accepted connections go on. */
  close(): void;
  /** Cuts every accepted connection that is still open. */
  cutAll(): void;
  /** Resolves when no accepted connection is open. */
  whenEmpty(): Promise<void>;
}

/** Listeners with nothing open yet. */
export function createListeners(options: ListenersOptions): Listeners {
  const sockets = new Set<Socket>();
  const emptyWaiters = new Set<() => void>();
  const extraPorts = createExtraPorts({ open: async (port) => (await open(port)).server, ...options });
  let mainServer: Server | undefined;

  async function open(port: number): Promise<{ server: Server; port: number }> {
    let boundPort = port;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      track(socket);
      options.onConnection(socket, boundPort).catch((error: unknown) => {
        options.log.error("a connection failed unexpectedly", { port: boundPort, error });
        socket.destroy();
      });
    });
    boundPort = await listen(server, options.address, port);
    server.on("error", (error) => options.log.error("a listener failed", { port: boundPort, error }));
    return { server, port: boundPort };
  }

  function track(socket: Socket): void {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const wake of emptyWaiters) wake();
      emptyWaiters.clear();
    });
  }

  return {
    async openMain(port) {
      const opened = await open(port);
      mainServer = opened.server;
      return opened.port;
    },
    setExtraPorts: (ports) => extraPorts.set(ports),
    state: (port) => extraPorts.state(port),
    close() {
      mainServer?.close();
      extraPorts.set(new Set());
    },
    cutAll() {
      for (const socket of sockets) socket.destroy();
    },
    whenEmpty: () => sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => emptyWaiters.add(resolve)),
  };
}

async function listen(server: Server, address: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host: address, port, backlog: 4096 }, resolve);
  try {
    await promise;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    const text = code === "EADDRINUSE" ? "another program has the port" : code;
    throw new PlatformError("conflict", `Cannot listen on "${address}:${port}": ${text}`, { cause });
  }
  server.off("error", reject);
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : port;
}
