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
  /** Descriptors of listening sockets that whoever started the process holds open, such as systemd's. */
  readonly inheritedFds?: readonly number[];
  /** Whether other processes or workers may listen on the same ports (SO_REUSEPORT). */
  readonly reusePort?: boolean;
}

/** The TCP listeners of the proxy. Closing one leaves its accepted connections alone. */
export interface Listeners {
  /** Opens the main port, or takes the inherited socket that is bound to it; 0 picks a free one. Gives back the port. */
  openMain(port: number): Promise<number>;
  /** Makes `ports` the open ports beside the main one: opens new ones in the background, closes others. */
  setExtraPorts(ports: ReadonlySet<number>): void;
  /** What is known of an extra port. */
  state(port: number): PortState;
  /** Every port that is open. */
  ports(): number[];
  /** Accepted connections that are open. */
  open(): number;
  /** Stops accepting everywhere. Accepted connections go on. */
  close(): void;
  /** Cuts every accepted connection that is still open. */
  cutAll(): void;
  /** Resolves when no accepted connection is open. */
  whenEmpty(): Promise<void>;
}

/** Connections that may wait to be accepted; the kernel takes no more than `net.core.somaxconn`. */
const backlog = 4096;

type Opened = { readonly server: Server; readonly port: number };

/** Listeners with nothing open yet. */
export function createListeners(options: ListenersOptions): Listeners {
  const sockets = createOpenSockets();
  const inherited = new Map<number, Server>();
  const extraPorts = createExtraPorts({ open: openExtra, ...options });
  let main: Opened | undefined;

  async function open(target: ListenTarget): Promise<Opened> {
    let boundPort = "port" in target ? target.port : 0;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket);
      options.onConnection(socket, boundPort).catch((error: unknown) => {
        options.log.error("a connection failed unexpectedly", { port: boundPort, error });
        socket.destroy();
      });
    });
    boundPort = await listen(server, target, options);
    server.on("error", (error) => options.log.error("a listener failed", { port: boundPort, error }));
    return { server, port: boundPort };
  }

  async function openExtra(port: number): Promise<{ close(): void }> {
    // An inherited socket that was closed could not be had again, so it stays open without a route.
    if (inherited.has(port)) return { close() {} };
    return (await open({ port })).server;
  }

  async function adoptInherited(): Promise<void> {
    for (const fd of options.inheritedFds ?? []) {
      const { server, port } = await open({ fd });
      inherited.set(port, server);
      options.log.info("listening on an inherited socket", { port });
    }
  }

  return {
    async openMain(port) {
      await adoptInherited();
      const server = inherited.get(port);
      main = server === undefined ? await open({ port }) : { server, port };
      return main.port;
    },
    setExtraPorts: (ports) => extraPorts.set(ports),
    state: (port) => extraPorts.state(port),
    ports: () => [...new Set([...(main === undefined ? [] : [main.port]), ...inherited.keys(), ...extraPorts.open()])],
    open: () => sockets.size(),
    close() {
      main?.server.close();
      for (const server of inherited.values()) if (server !== main?.server) server.close();
      extraPorts.set(new Set());
    },
    cutAll: sockets.cut,
    whenEmpty: sockets.whenEmpty,
  };
}

/** The accepted connections that are open. */
function createOpenSockets() {
  const sockets = new Set<Socket>();
  const emptyWaiters = new Set<() => void>();
  return {
    size: () => sockets.size,
    add(socket: Socket): void {
      sockets.add(socket);
      socket.on("close", () => {
        sockets.delete(socket);
        if (sockets.size > 0) return;
        for (const wake of emptyWaiters) wake();
        emptyWaiters.clear();
      });
    },
    cut(): void {
      for (const socket of sockets) socket.destroy();
    },
    whenEmpty: (): Promise<void> =>
      sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => emptyWaiters.add(resolve)),
  };
}

type ListenTarget = { readonly port: number } | { readonly fd: number };

/**
 * Makes `server` listen; gives its port.
 *
 * @throws {PlatformError} conflict — when it cannot
 */
async function listen(
  server: Server,
  target: ListenTarget,
  { address, reusePort = false }: Pick<ListenersOptions, "address" | "reusePort">,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  if ("fd" in target) server.listen({ fd: target.fd }, backlog, resolve);
  else server.listen({ host: address, port: target.port, backlog, reusePort }, resolve);
  try {
    await promise;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    const text = code === "EADDRINUSE" ? "another program has the port" : code;
    const place = "fd" in target ? `inherited descriptor ${target.fd}` : `${address}:${target.port}`;
    throw new PlatformError("conflict", `Cannot listen on "${place}": ${text}`, { cause });
  }
  server.off("error", reject);
  const bound = server.address();
  return bound !== null && typeof bound === "object" ? bound.port : "port" in target ? target.port : 0;
}
