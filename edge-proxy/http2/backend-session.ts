import { type ClientHttp2Session, type ClientHttp2Stream, connect, type SecureClientSessionOptions } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { BackendPlace, BackendTls } from "../l7/backend-place.ts";
import type { Deadlines, Timed } from "../l7/deadlines.ts";
import { connectionWindowBytes } from "./session-options.ts";

/** What a session tells its pool. */
export interface BackendSessionOptions {
  readonly place: BackendPlace;
  readonly deadlines: Deadlines;
  /** Until the backend's first SETTINGS. */
  readonly connectMs: number;
  /** How long it may lie idle. */
  readonly idleMs: number;
  /** It can take requests now: it has just opened, or one has ended. */
  readonly onRoom: (session: BackendSession) => void;
  /** It takes no more requests; with an error when it never took one. */
  readonly onGone: (session: BackendSession, fault: ConnectFault | undefined) => void;
}

/** Why a session never opened. */
export interface ConnectFault {
  readonly status: 502 | 504;
  readonly error: Error;
}

const sessionOptions: SecureClientSessionOptions = {
  settings: { enablePush: false, initialWindowSize: 65_535, maxHeaderListSize: 65_536 },
  maxHeaderListPairs: 256,
  maxSettings: 32,
  maxSessionMemory: 32,
  peerMaxConcurrentStreams: 100,
};
/** A client may say twice what should be said once; that is between it and the backend. Missing in node's types. */
const lenient = { strictSingleValueFields: false } as const;

/** A connection to a backend: many requests at a time (RFC 9113). */
export class BackendSession implements Timed {
  deadlineAt: number;
  readonly #options: BackendSessionOptions;
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  #state: "connecting" | "open" | "gone" = "connecting";
  #active = 0;
  #requests = 0;
  #limit = 0;
  #lastId = Infinity;
  #error: Error | undefined;

  constructor(options: BackendSessionOptions) {
    this.#options = options;
    this.deadlineAt = options.deadlines.now() + options.connectMs;
    this.#socket = openSocket(options.place, (reason) => this.#fail(reason));
    this.#session = connect(`${options.place.tls === undefined ? "http" : "https"}://backend`, {
      ...sessionOptions,
      ...lenient,
      createConnection: () => this.#socket,
    });
    // Only with the peer's SETTINGS is known how many requests it takes, and that it speaks HTTP/2 at all.
    this.#session.on("remoteSettings", (settings) => this.#onSettings(settings.maxConcurrentStreams ?? Infinity));
    this.#session.on("goaway", (_code, lastId) => {
      this.#lastId = lastId;
      this.#leave(undefined);
    });
    this.#session.on("error", (error) => void (this.#error ??= error));
    this.#session.on("close", () => this.#onClose());
    options.deadlines.add(this);
  }

  /** Whether it was never used and can be. */
  get isFresh(): boolean {
    return this.#requests === 0;
  }

  get isConnecting(): boolean {
    return this.#state === "connecting";
  }

  /** Whether it can take another request. */
  get hasRoom(): boolean {
    return this.#state === "open" && this.#active < this.#limit;
  }

  /** Requests at a time that the backend allows; known once it is open. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether the backend takes extended CONNECT (RFC 8441 §3). */
  get takesTunnels(): boolean {
    return this.#session.remoteSettings.enableConnectProtocol === true;
  }

  /** Whether the connection is gone, so that codes of its streams say nothing. */
  get isBroken(): boolean {
    return this.#session.destroyed;
  }

  /** What broke the connection. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Whether the backend said that it has not processed the stream (RFC 9113 §6.8). */
  isUnprocessed(id: number | undefined): boolean {
    return id !== undefined && id > this.#lastId;
  }

  /** Sends a head; {@link release} must follow when its stream is over. */
  request(fields: readonly string[], options: { endStream: boolean; waitForTrailers: boolean }): ClientHttp2Stream {
    const stream = this.#session.request(fields, options);
    this.#active += 1;
    this.#requests += 1;
    this.deadlineAt = Infinity;
    return stream;
  }

  /** A stream is over. */
  release(): void {
    this.#active -= 1;
    if (this.#active === 0) this.deadlineAt = this.#options.deadlines.now() + this.#options.idleMs;
    if (this.hasRoom) this.#options.onRoom(this);
  }

  /** Takes no more requests, and closes after those under way. */
  retire(): void {
    this.#leave(undefined);
    if (this.#active === 0) this.#session.destroy();
    else this.#session.close();
  }

  onDeadline(): void {
    if (this.#state === "connecting") this.#fail(`no answer within ${this.#options.connectMs} ms`, 504);
    else if (this.#active === 0) this.retire();
  }

  #onSettings(limit: number): void {
    this.#limit = limit;
    if (this.#state === "gone") return;
    if (this.#state === "connecting") {
      this.#state = "open";
      this.#session.setLocalWindowSize(connectionWindowBytes);
      this.deadlineAt = this.#options.deadlines.now() + this.#options.idleMs;
    }
    if (this.hasRoom) this.#options.onRoom(this);
  }

  #onClose(): void {
    this.#options.deadlines.delete(this);
    if (this.#state === "connecting") this.#leave({ status: 502, error: this.#toError("it closed the connection") });
    else this.#leave(undefined);
  }

  #fail(reason: string, status: 502 | 504 = 502): void {
    if (this.#state === "gone") return;
    this.#leave({ status, error: this.#toError(reason) });
    this.#session.destroy();
    this.#socket.destroy();
  }

  #leave(fault: ConnectFault | undefined): void {
    if (this.#state === "gone") return;
    const wasConnecting = this.#state === "connecting";
    this.#state = "gone";
    const early = wasConnecting
      ? fault ?? { status: 502, error: this.#toError("it closes the connection") }
      : undefined;
    this.#options.onGone(this, early);
  }

  #toError(reason: string): Error {
    const { instance, address, port } = this.#options.place.backend;
    const options = this.#error === undefined ? {} : { cause: this.#error };
    const detail = this.#error === undefined ? reason : this.#error.message;
    return new Error(`Cannot open HTTP/2 to "${instance}" at ${address}:${port}: ${detail}`, options);
  }
}

function openSocket({ backend, tls }: BackendPlace, onFault: (reason: string) => void): Socket {
  const { address: host, port } = backend;
  const socket = tls === undefined ? connectTcp({ host, port, noDelay: true }) : openTls({ host, port }, tls, onFault);
  socket.setKeepAlive(true, 15_000);
  return socket;
}

function openTls(
  at: { readonly host: string; readonly port: number },
  { rootsPem, serverName }: BackendTls,
  onFault: (reason: string) => void,
): TLSSocket {
  const socket = connectTls({
    ...at,
    ca: rootsPem,
    servername: serverName,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
  });
  socket.setNoDelay(true);
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol !== "h2") onFault("it does not speak HTTP/2");
  });
  return socket;
}
