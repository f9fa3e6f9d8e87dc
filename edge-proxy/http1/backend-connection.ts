import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Deadlines, Timed } from "../l7/deadlines.ts";
import type { BackendFailure, BackendRequest, BackendStream, BackendStreamEvents, Fields } from "../l7/streams.ts";
import { BodyReader } from "./body-reader.ts";
import { findHeadEnd } from "./parse-request.ts";
import { type ParsedResponse, parseResponseHead } from "./parse-response.ts";
import { chunkHead, lastChunk, serialiseRequest } from "./serialise.ts";
import { WriteBatch } from "./write-batch.ts";

/** Largest response head in bytes; backends may say more than clients. */
const maxHeadBytes = 64 * 1024;

/** What a connection needs of the pool that it belongs to. */
export interface BackendConnectionOptions {
  /** Begins to connect, and gives everything that is read to `onBytes`; a TLS connection verifies by itself. */
  readonly connect: (onBytes: (bytes: Buffer) => void) => Socket;
  /** Event that says that it is: `connect`, or `secureConnect`. */
  readonly readyEvent: "connect" | "secureConnect";
  readonly deadlines: Deadlines;
  /** How long it may lie idle. */
  readonly idleMs: number;
  /** It can take another request. */
  readonly onIdle: (connection: BackendConnection) => void;
  /** It has gone. */
  readonly onGone: (connection: BackendConnection) => void;
}

/**
 * A connection to a backend, one request at a time (RFC 9112 §9.3). What the backend sends is parsed as strictly as what clients send, and a
 * connection with anything unexpected on it is never used again.
 */
export class BackendConnection implements BackendStream, Timed {
  deadlineAt = Infinity;
  readonly #options: BackendConnectionOptions;
  readonly #socket: Socket;
  readonly #batch: WriteBatch;
  #isConnected = false;
  #isReused = false;
  #error: Error | undefined;
  #events: BackendStreamEvents | undefined;
  #request: BackendRequest | undefined;
  #requestDone = false;
  #isAnswering = false;
  #isTunnel = false;
  #head: ParsedResponse | undefined;
  #body = new BodyReader("none");
  #input: Buffer | undefined;
  readonly #onBody = (payload: Buffer) => this.#events?.onResponseData(payload);

  constructor(options: BackendConnectionOptions) {
    const { deadlines } = options;
    const socket = options.connect((bytes) => this.#onData(bytes));
    this.#options = options;
    this.#socket = socket;
    this.#batch = new WriteBatch(socket);
    deadlines.add(this);
    socket.once(options.readyEvent, () => this.#onReady());
    socket.on("drain", () => this.#events?.onRequestDrain());
    socket.on("end", () => this.#onEnd());
    socket.on("error", (error) => void (this.#error = error));
    socket.on("close", () => this.#onClose());
  }

  /** Sends the head of `request`; everything that comes of it goes to `events`. */
  begin(request: BackendRequest, events: BackendStreamEvents): void {
    this.deadlineAt = Infinity;
    this.#events = events;
    this.#request = request;
    this.#requestDone = false;
    this.#isAnswering = false;
    this.#head = undefined;
    this.#batch.push(serialiseRequest(request));
    if (this.#isConnected) events.onConnected();
  }

  /** Closes the connection if no request is on it. */
  closeIfIdle(): void {
    if (this.#events === undefined) this.#socket.destroy();
  }

  onDeadline(): void {
    this.closeIfIdle();
  }

  sendData(chunk: Buffer): boolean {
    if (this.#isTunnel || this.#request?.bodyLength !== undefined) return this.#batch.push(chunk);
    this.#batch.push(chunkHead(chunk.length));
    this.#batch.push(chunk);
    return this.#batch.push("\r\n");
  }

  sendEnd(trailers: Fields): void {
    this.#requestDone = true;
    if (this.#isTunnel) {
      this.#batch.flush();
      this.#socket.end();
    } else if (this.#request?.bodyLength === undefined) this.#batch.push(lastChunk(trailers));
  }

  pauseResponse(): void {
    this.#socket.pause();
  }

  resumeResponse(): void {
    this.#socket.resume();
  }

  reset(_code: number): void {
    this.#events = undefined;
    this.#socket.destroy();
  }

  #onReady(): void {
    this.#isConnected = true;
    this.#events?.onConnected();
  }

  #onData(bytes: Buffer): void {
    // A backend that speaks unasked is no backend (S10).
    if (this.#events === undefined) return void this.#socket.destroy();
    this.#isAnswering = true;
    if (this.#head !== undefined) return this.#readBody(bytes);
    this.#input = this.#input === undefined ? bytes : Buffer.concat([this.#input, bytes]);
    this.#readHeads();
  }

  #readHeads(): void {
    while (this.#events !== undefined && this.#input !== undefined) {
      const input = this.#input;
      const end = findHeadEnd(input, 0);
      if ((end < 0 ? input.length : end) > maxHeadBytes) return this.#fail("response", "its head is too large");
      if (end < 0) return;
      const parsed = parseResponseHead(input, 0, end, this.#request?.method ?? "GET");
      if (parsed.kind === "fault") return this.#fail("response", parsed.reason);
      this.#input = end < input.length ? input.subarray(end) : undefined;
      if (!parsed.isInformational) return this.#begin(parsed);
      this.#events.onInformational(parsed.head.status, parsed.head.fields);
    }
  }

  #begin(parsed: ParsedResponse): void {
    const { head } = parsed;
    if (head.status === 101 && (this.#request?.upgrade === undefined || parsed.upgrade !== this.#request.upgrade)) {
      return this.#fail("response", "it switches to a protocol that was not asked for");
    }
    const rest = this.#input;
    this.#input = undefined;
    this.#head = parsed;
    this.#isTunnel = head.status === 101;
    this.#body = new BodyReader(this.#isTunnel ? "close" : parsed.framing, head.contentLength);
    this.#events?.onResponse(this.#isTunnel ? { ...head, hasBody: false, isTunnel: true } : head);
    if (rest !== undefined || this.#body.isDone) this.#readBody(rest ?? Buffer.alloc(0));
  }

  #readBody(bytes: Buffer): void {
    let offset: number;
    try {
      offset = this.#body.push(bytes, 0, this.#onBody);
    } catch (error) {
      return this.#fail("body", error instanceof Error ? error.message : String(error));
    }
    if (this.#body.isDone) this.#finish(offset < bytes.length);
  }

  #finish(hasRest: boolean): void {
    const events = this.#events;
    const keepsAlive = this.#head?.keepAlive === true && this.#requestDone && !hasRest && !this.#socket.readableEnded;
    this.#events = undefined;
    const { trailers } = this.#body;
    if (keepsAlive) this.#release();
    else this.#socket.destroy();
    events?.onResponseEnd(trailers);
  }

  #release(): void {
    this.#isReused = true;
    this.deadlineAt = this.#options.deadlines.now() + this.#options.idleMs;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#options.onIdle(this);
  }

  #onEnd(): void {
    if (this.#events === undefined) return void this.#socket.destroy();
    if (this.#isTunnel) return this.#events.onResponseEnd([]);
    if (this.#head?.framing === "close") return this.#finish(false);
    this.#fail(this.#head === undefined ? "response" : "body", "it ended the connection too early");
  }

  #onClose(): void {
    this.#options.deadlines.delete(this);
    this.#options.onGone(this);
    if (this.#events !== undefined) {
      this.#fail(this.#head === undefined ? "response" : "body", "it closed the connection");
    }
  }

  #fail(step: "response" | "body", what: string): void {
    const events = this.#events;
    this.#events = undefined;
    this.#socket.destroy();
    events?.onFailed({
      step: this.#toStep(step),
      status: 502,
      error: this.#error ?? new Error(`the instance failed: ${what}`),
    });
  }

  #toStep(step: "response" | "body"): BackendFailure["step"] {
    if (!this.#isConnected) return "connect";
    return step === "response" && this.#isReused && !this.#isAnswering ? "stale" : step;
  }
}
