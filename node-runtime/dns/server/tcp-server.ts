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
    new ServedConnection(socket, { ...options, limits, address });
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

/** One connection: reads frames, answers them, and ends when there is nothing more to answer. */
class ServedConnection {
  readonly #socket: Socket;
  readonly #connection: Connection;
  readonly #splitter = createFrameSplitter();
  readonly #idle: NodeJS.Timeout;
  #waiting: Uint8Array[] = [];
  #inFlight = 0;
  #hasEnded = false;
  #frameTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, connection: Connection) {
    this.#socket = socket;
    this.#connection = connection;
    this.#idle = setTimeout(() => this.#onIdle(), connection.limits.idleTimeoutMs);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(this.#idle);
      clearTimeout(this.#frameTimer);
    });
    socket.on("data", (chunk: Uint8Array) => {
      const messages = this.#splitter.push(chunk);
      this.#watchFrame(messages.length > 0);
      this.#waiting.push(...messages);
      this.#work();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#endWhenDone();
    });
    socket.on("drain", () => this.#work());
  }

  /** Answers what waits; the answers that are there at once leave together. */
  #work(): void {
    const { responder, limits, address } = this.#connection;
    this.#idle.refresh();
    const ready: Uint8Array[] = [];
    let readyBytes = 0;
    let taken = 0;
    const canTake = () => this.#inFlight < limits.maxInFlight && !this.#socket.writableNeedDrain;
    for (const message of this.#waiting) {
      if (!canTake()) break;
      taken++;
      const reply = responder.respond(message, { address, transport: "tcp" });
      if (reply instanceof Promise) this.#answerLater(reply);
      if (reply === undefined || reply instanceof Promise) continue;
      ready.push(frameMessage(reply));
      readyBytes += reply.length;
      if (readyBytes < maxWriteBytes) continue;
      this.#write(ready.splice(0));
      readyBytes = 0;
    }
    this.#write(ready);
    this.#waiting = this.#waiting.slice(taken);
    if (this.#waiting.length > 0) this.#socket.pause();
    else this.#socket.resume();
    this.#endWhenDone();
  }

  #write(frames: readonly Uint8Array[]): void {
    if (frames.length > 0 && this.#socket.writable) this.#socket.write(concatBytes(frames));
  }

  #answerLater(reply: Promise<Reply>): void {
    this.#inFlight++;
    void reply.then((bytes) => {
      this.#inFlight--;
      if (bytes !== undefined) this.#write([frameMessage(bytes)]);
      this.#work();
    });
  }

  /** A query that is still being looked up counts as activity. */
  #onIdle(): void {
    if (this.#inFlight > 0) this.#idle.refresh();
    else this.#socket.destroy();
  }

  #watchFrame(hasProgress: boolean): void {
    if (hasProgress || this.#splitter.pendingBytes === 0) {
      clearTimeout(this.#frameTimer);
      this.#frameTimer = undefined;
    }
    if (this.#splitter.pendingBytes > 0) {
      this.#frameTimer ??= setTimeout(() => this.#socket.destroy(), this.#connection.limits.frameTimeoutMs);
    }
  }

  #endWhenDone(): void {
    if (this.#hasEnded && this.#inFlight === 0 && this.#waiting.length === 0) this.#socket.end();
  }
}
