import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { concatBytes } from "../wire/record.ts";
import { createFrameSplitter, frameMessage } from "../wire/frame-splitter.ts";
import { toPlainAddress } from "../forward/client-networks.ts";
import type { Reply } from "./responder.ts";
import type { DnsListener, ListenerOptions } from "./udp-server.ts";

/** Bounds of TCP connections (RFC 7766 §6.2). */
export interface TcpLimits {
  /** A connection without a query in flight is closed after this time. */
  readonly idleTimeoutMs: number;
  /** A query must have arrived fully this long after its first byte. */
  readonly frameTimeoutMs: number;
  /** Queries of one connection that are looked up at a time; the others wait unread. */
  readonly maxInFlight: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Bounds used where none are given. */
export const defaultTcpLimits: TcpLimits = {
  idleTimeoutMs: 10_000,
  frameTimeoutMs: 5_000,
  maxInFlight: 128,
  maxConnections: 1_000,
  maxConnectionsPerAddress: 100,
};

/** Serves DNS over TCP at one address. */
export async function startTcpServer(options: ListenerOptions & { readonly limits?: TcpLimits }): Promise<DnsListener> {
  const limits = options.limits ?? defaultTcpLimits;
  const sockets = new Set<Socket>();
  const perAddress = new Map<string, number>();
  // Half-open, so that a client that has sent its last query and closed its side still gets the answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const address = toPlainAddress(socket.remoteAddress ?? "");
    const count = (perAddress.get(address) ?? 0) + 1;
    if (sockets.size >= limits.maxConnections || count > limits.maxConnectionsPerAddress) {
      options.metrics.countDrop("tcp", "connections");
      return void socket.destroy();
    }
    sockets.add(socket);
    perAddress.set(address, count);
    socket.once("close", () => {
      sockets.delete(socket);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
    serveConnection(socket, { ...options, limits, address });
  });
  server.listen(options.endpoint.port, options.endpoint.address);
  await once(server, "listening");
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : options.endpoint.port;
  return {
    endpoint: { address: options.endpoint.address, port },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Replies are handed to the socket at this size, so that its own bound on unread bytes holds. */
const maxWriteBytes = 64 * 1024;

interface Connection extends ListenerOptions {
  readonly limits: TcpLimits;
  readonly address: string;
}

function serveConnection(socket: Socket, connection: Connection): void {
  const { limits, responder, address } = connection;
  const splitter = createFrameSplitter();
  let waiting: Uint8Array[] = [];
  let inFlight = 0;
  let hasEnded = false;
  let frameTimer: NodeJS.Timeout | undefined;
  // A query that is still being looked up counts as activity.
  const idle = setTimeout(() => inFlight > 0 ? idle.refresh() : socket.destroy(), limits.idleTimeoutMs);

  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    clearTimeout(idle);
    clearTimeout(frameTimer);
  });
  socket.on("data", (chunk: Uint8Array) => {
    const messages = splitter.push(chunk);
    watchFrame(messages.length > 0);
    waiting.push(...messages);
    work();
  });
  socket.on("end", () => {
    hasEnded = true;
    endWhenDone();
  });
  socket.on("drain", work);

  /** Answers what waits; the answers that are there at once leave in one write. */
  function work(): void {
    idle.refresh();
    let ready: Uint8Array[] = [];
    let readyBytes = 0;
    let taken = 0;
    while (taken < waiting.length && inFlight < limits.maxInFlight && !socket.writableNeedDrain) {
      const message = waiting[taken++] ?? new Uint8Array(0);
      const reply = responder.respond(message, { address, transport: "tcp" });
      if (reply instanceof Promise) answerLater(reply);
      else if (reply !== undefined) {
        ready.push(frameMessage(reply));
        readyBytes += reply.length;
      }
      if (readyBytes > maxWriteBytes) flush();
    }
    flush();
    waiting = waiting.slice(taken);
    if (waiting.length > 0) socket.pause();
    else socket.resume();
    endWhenDone();

    function flush(): void {
      if (ready.length > 0 && socket.writable) socket.write(concatBytes(ready));
      ready = [];
      readyBytes = 0;
    }
  }

  function answerLater(reply: Promise<Reply>): void {
    inFlight++;
    void reply.then((bytes) => {
      inFlight--;
      if (bytes !== undefined && socket.writable) socket.write(frameMessage(bytes));
      work();
    });
  }

  function watchFrame(hasProgress: boolean): void {
    if (hasProgress || splitter.pendingBytes === 0) {
      clearTimeout(frameTimer);
      frameTimer = undefined;
    }
    if (splitter.pendingBytes > 0) frameTimer ??= setTimeout(() => socket.destroy(), limits.frameTimeoutMs);
  }

  function endWhenDone(): void {
    if (hasEnded && inFlight === 0 && waiting.length === 0) socket.end();
  }
}
