import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { endGently } from "../end-gently.ts";
import type { Deadlines, Timed } from "../l7/deadlines.ts";
import { createErrorPage, toRawResponse } from "../l7/error-page.ts";
import type { ClientOrigin, ClientStreamEvents, ServeStream } from "../l7/streams.ts";
import type { ProxyLimits } from "../limits.ts";
import { Http1ClientStream, type StreamConnection } from "./client-stream.ts";
import { FramingError } from "./framing-error.ts";
import { findHeadEnd, isHopelessHead, parseRequestHead } from "./parse-request.ts";
import { WriteBatch } from "./write-batch.ts";

/** What all connections of an edge share. */
export interface ClientConnectionOptions {
  readonly serve: ServeStream;
  readonly limits: ProxyLimits;
  readonly deadlines: Deadlines;
  readonly onRefused: (origin: ClientOrigin, status: number, reason: string) => string;
  readonly isDraining: () => boolean;
}

/** Bytes of a body nobody wants that are read and dropped to keep the connection. */
const dropBytes = 64 * 1024;

/**
 * A client's connection: one request after the other (RFC 9112 §9.3). What the client sends ahead waits, unparsed, until the response
 * before it is complete.
 */
export class ClientConnection implements Timed {
  deadlineAt: number;
  readonly #options: ClientConnectionOptions;
  readonly #shared: StreamConnection;
  readonly #socket: Socket;
  readonly #batch: WriteBatch;
  /** Received and not consumed. */
  #input: Buffer | undefined;
  #inputEnded = false;
  #isAwaitingHead = false;
  #stream: Http1ClientStream | undefined;
  /** The body of an answered request is read and dropped. */
  #isDropping = false;
  /** Nothing is read any more. */
  #isClosing = false;

  constructor(socket: Socket, origin: ClientOrigin, options: ClientConnectionOptions) {
    const { deadlines, limits, isDraining } = options;
    const oldAt = deadlines.now() + limits.connectionAgeMs;
    this.#socket = socket;
    this.#options = options;
    this.#batch = new WriteBatch(socket);
    this.#shared = {
      origin,
      socket,
      batch: this.#batch,
      limits,
      now: deadlines.now,
      isLeaving: () => isDraining() || deadlines.now() > oldAt,
      resume: () => this.#resume(),
      pause: () => void socket.pause(),
      deadlineChanged: () => void (this.deadlineAt = this.#stream?.deadlineAt ?? this.deadlineAt),
      onAnswered: (closes) => this.#onAnswered(closes),
    };
    this.deadlineAt = deadlines.now() + limits.clientKeepAliveMs;
    deadlines.add(this);
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    socket.on("end", () => this.#onEnd());
    socket.on("drain", () => this.#stream?.drained());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#onClose());
  }

  /** Closes the connection unless a request is on it. */
  closeIfIdle(): void {
    if (this.#stream === undefined && !this.#isClosing) this.#close();
  }

  onDeadline(): void {
    if (this.#isClosing || this.#isDropping) this.#socket.destroy();
    else if (this.#stream !== undefined) this.#onStreamDeadline(this.#stream);
    else if (this.#input === undefined) this.#close();
    else this.#refuse(408, "the request head took too long");
  }

  #onStreamDeadline(stream: Http1ClientStream): void {
    const { deadlines } = this.#options;
    this.deadlineAt = stream.deadlineAt;
    if (this.deadlineAt > deadlines.now()) return;
    // A client that does not read its response cannot be told anything either.
    if (stream.headSent) this.#socket.destroy();
    else this.#break(stream, 408, "the request body took too long");
  }

  #onData(bytes: Buffer): void {
    if (this.#isClosing) return;
    if (this.#input !== undefined) this.#input = Buffer.concat([this.#input, bytes]);
    else if (this.#stream?.isReading) return this.#feed(this.#stream, bytes);
    else this.#input = bytes;
    if (this.#stream === undefined) this.#readHead();
    else if (!this.#isDropping && this.#input.length > this.#options.limits.headBytes) this.#socket.pause();
  }

  #readHead(): void {
    const input = this.#input;
    if (input === undefined) return;
    // One empty line before a request is left over from clients of old (RFC 9112 §2.2).
    const start = input.length > 1 && input[0] === 13 && input[1] === 10 ? 2 : 0;
    const end = findHeadEnd(input, start);
    if ((end < 0 ? input.length : end) - start > this.#options.limits.headBytes) {
      return this.#refuse(431, "the request head is too large");
    }
    if (end < 0) return this.#awaitHead(input, start);
    const parsed = parseRequestHead(input, start, end);
    if (parsed.kind === "fault") return this.#refuse(parsed.status, parsed.reason);
    this.#input = end < input.length ? input.subarray(end) : undefined;
    this.#isAwaitingHead = false;
    this.deadlineAt = Infinity;
    const stream = new Http1ClientStream(parsed, this.#shared);
    this.#stream = stream;
    stream.events = this.#options.serve(stream);
    // It may have asked for the body, or have answered, before it could hear of anything.
    if (this.#stream === stream && stream.isReading) this.#resume();
  }

  /** LIM3: the limit runs from the first byte of a head, not from the latest. */
  #awaitHead(input: Buffer, start: number): void {
    if (isHopelessHead(input, start)) return this.#refuse(400, "the request head is malformed");
    if (this.#isAwaitingHead) return;
    this.#isAwaitingHead = true;
    this.deadlineAt = this.#options.deadlines.now() + this.#options.limits.requestHeadMs;
  }

  #resume(): void {
    const [stream, input] = [this.#stream, this.#input];
    if (stream?.events === undefined) return;
    if (this.#socket.isPaused()) this.#socket.resume();
    if (input !== undefined && stream.isReading) {
      this.#input = undefined;
      this.#feed(stream, input);
    }
    this.deadlineAt = stream.deadlineAt;
    if (this.#inputEnded) this.#endInput(stream);
  }

  #feed(stream: Http1ClientStream, bytes: Buffer): void {
    try {
      const offset = stream.feed(bytes);
      if (offset < bytes.length) this.#input = bytes.subarray(offset);
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      return this.#break(stream, 400, error.message);
    }
    if (this.#stream !== stream) return;
    this.deadlineAt = stream.deadlineAt;
    if (stream.isTooSlow && !stream.isComplete) this.#break(stream, 408, "the request body comes too slowly");
    else if (this.#isDropping && stream.isComplete) this.#next();
  }

  /** Ends a request that cannot go on: with an answer, unless one has begun. */
  #break(stream: Http1ClientStream, status: number, reason: string): void {
    if (stream.headSent) this.#socket.destroy();
    else stream.fault(status, reason);
  }

  #onAnswered(closes: boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (closes || this.#inputEnded) return this.#close();
    if (stream.isComplete) return this.#next();
    if (stream.unreadBytes > dropBytes || stream.request.expectsContinue) return this.#close();
    this.#isDropping = true;
    stream.events = ignored;
    stream.resumeRequest();
  }

  #next(): void {
    this.#stream = undefined;
    this.#isDropping = false;
    this.deadlineAt = this.#options.deadlines.now() + this.#options.limits.clientKeepAliveMs;
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#input !== undefined) queueMicrotask(() => this.#stream === undefined && this.#readHead());
    else if (this.#options.isDraining()) this.#close();
  }

  #refuse(status: number, reason: string): void {
    const { onRefused } = this.#options;
    const requestId = onRefused(this.#shared.origin, status, reason);
    this.#close(toRawResponse(createErrorPage(status, { requestId, accept: "" })));
  }

  /** Ends the connection after what was written, so that it arrives (RFC 9112 §9.6). */
  #close(bytes?: Buffer): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#stream = undefined;
    this.#input = undefined;
    this.deadlineAt = Infinity;
    this.#batch.flush();
    endGently(this.#socket, bytes);
  }

  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#isClosing) return;
    if (this.#stream === undefined) this.#close();
    else if (this.#input === undefined) this.#endInput(this.#stream);
  }

  #endInput(stream: Http1ClientStream): void {
    // A client that closes its side before it was answered has almost always gone away altogether: so nginx and node see it, too.
    if (!stream.endInput()) this.#socket.destroy();
  }

  #onClose(): void {
    const stream = this.#stream;
    this.#isClosing = true;
    this.#stream = undefined;
    this.#options.deadlines.delete(this);
    if (stream !== undefined && !this.#isDropping) stream.closed();
  }
}

/** Hears of a body that nobody wants. */
const ignored: ClientStreamEvents = {
  onRequestFault() {},
  onRequestData() {},
  onRequestEnd() {},
  onResponseDrain() {},
  onClientClosed() {},
};
