import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import {
  type ClientOrigin,
  type ClientStream,
  type ClientStreamEvents,
  type Fields,
  type RequestHead,
  resetCodes,
  type ResponseHead,
} from "../l7/streams.ts";
import { UploadPace } from "../l7/upload-pace.ts";
import type { ProxyLimits } from "../limits.ts";
import { BodyReader } from "./body-reader.ts";
import type { ParsedRequest } from "./parse-request.ts";
import { chunkHead, lastChunk, serialiseInformational, serialiseResponse } from "./serialise.ts";
import type { WriteBatch } from "./write-batch.ts";

/** What a stream needs of the connection that it came on. */
export interface StreamConnection {
  readonly origin: ClientOrigin;
  readonly socket: Socket;
  readonly batch: WriteBatch;
  readonly limits: ProxyLimits;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Whether the next response should be the connection's last: it drains, or is old. */
  readonly isLeaving: () => boolean;
  /** Feeds what waits, and what comes, to the stream. */
  readonly resume: () => void;
  /** Lets what comes wait. */
  readonly pause: () => void;
  /** The stream's deadline may be earlier than it was. */
  readonly deadlineChanged: () => void;
  /** The response is complete; `closes` when no other may follow on this connection. */
  readonly onAnswered: (closes: boolean) => void;
}

/** How the client is told where the response ends (RFC 9112 §6.3). */
type ResponseFraming = "none" | "length" | "chunked" | "close" | "tunnel";

/** One request on an HTTP/1.1 connection, and its response. */
export class Http1ClientStream implements ClientStream {
  readonly request: RequestHead;
  readonly origin: ClientOrigin;
  /** Hears of body, drain and end once the request was handed over. */
  events: ClientStreamEvents | undefined;
  readonly #connection: StreamConnection;
  readonly #version: "1.0" | "1.1";
  readonly #keepsAlive: boolean;
  #body: BodyReader;
  #isReading = false;
  readonly #pace = new UploadPace();
  #headSent = false;
  #framing: ResponseFraming = "none";
  #closes = false;
  #readDeadline = Infinity;
  #writeDeadline = Infinity;
  readonly #onBody = (payload: Buffer) => {
    if (this.#framing !== "tunnel") this.#pace.read(payload.length, this.#connection.now());
    this.events?.onRequestData(payload);
  };

  constructor(parsed: ParsedRequest, connection: StreamConnection) {
    this.request = parsed.head;
    this.origin = connection.origin;
    this.#connection = connection;
    this.#version = parsed.head.version === "1.0" ? "1.0" : "1.1";
    this.#keepsAlive = parsed.keepAlive;
    this.#body = new BodyReader(parsed.isChunked ? "chunked" : "length", parsed.head.bodyLength);
  }

  /** Whether the body may be fed now. */
  get isReading(): boolean {
    return this.#isReading && !this.#body.isDone;
  }

  /** Whether the request was received whole. */
  get isComplete(): boolean {
    return this.#body.isDone;
  }

  /** Bytes of the request that were not read, when that can be known. */
  get unreadBytes(): number {
    return this.#body.left;
  }

  /** Whether the response has begun. */
  get headSent(): boolean {
    return this.#headSent;
  }

  /** When {@link onDeadline} is due. */
  get deadlineAt(): number {
    return Math.min(this.#readDeadline, this.#writeDeadline);
  }

  /**
   * Takes what of `bytes` belongs to this request; gives the offset behind it.
   *
   * @throws {FramingError} when chunks are malformed
   */
  feed(bytes: Buffer): number {
    const { now, limits } = this.#connection;
    const offset = this.#body.push(bytes, 0, this.#onBody);
    if (this.#framing === "tunnel") return offset;
    this.#readDeadline = this.#body.isDone || !this.#isReading ? Infinity : now() + limits.requestBodyIdleMs;
    if (this.#body.isDone) this.events?.onRequestEnd(this.#body.trailers);
    return offset;
  }

  /** Whether the body comes so slowly that the connection is only being held (slowloris). */
  get isTooSlow(): boolean {
    return this.#pace.isTooSlow(this.#connection.now(), this.#connection.limits);
  }

  /** The client will send no more; `false` unless that leaves the stream something to do. */
  endInput(): boolean {
    if (this.#framing !== "tunnel") return false;
    this.events?.onRequestEnd([]);
    return true;
  }

  /** The client can take more. */
  drained(): void {
    if (this.#writeDeadline === Infinity) return;
    this.#writeDeadline = Infinity;
    this.events?.onResponseDrain();
  }

  resumeRequest(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const now = this.#connection.now();
    if (this.#framing !== "tunnel" && !this.#body.isDone) {
      this.#pace.start(now);
      this.#readDeadline = now + this.#connection.limits.requestBodyIdleMs;
    }
    this.#connection.resume();
  }

  pauseRequest(): void {
    this.#isReading = false;
    this.#pace.stop(this.#connection.now());
    this.#readDeadline = Infinity;
    this.#connection.pause();
  }

  sendInformational(status: number, fields: Fields): void {
    if (this.#version === "1.1") this.#connection.batch.push(serialiseInformational(status, fields));
  }

  sendHead(head: ResponseHead, closes: boolean): void {
    this.#headSent = true;
    this.#framing = toFraming(head, this.#version);
    this.#closes = closes || !this.#keepsAlive || this.#framing === "close" || this.#connection.isLeaving();
    const options = { version: this.#version, framing: this.#framing, closes: this.#closes };
    this.#connection.batch.push(serialiseResponse(head, options));
    if (this.#framing !== "tunnel") return;
    // Whatever the client sends from here on is not HTTP.
    this.#body = new BodyReader("close");
    this.#readDeadline = Infinity;
  }

  sendData(chunk: Buffer): boolean {
    const { batch, now, limits } = this.#connection;
    let isRoomy = true;
    if (this.#framing === "chunked") {
      batch.push(chunkHead(chunk.length));
      batch.push(chunk);
      isRoomy = batch.push("\r\n");
    } else if (this.#framing !== "none") isRoomy = batch.push(chunk);
    if (isRoomy) return true;
    this.#writeDeadline = now() + limits.responseBodyIdleMs;
    this.#connection.deadlineChanged();
    return false;
  }

  sendEnd(trailers: Fields): void {
    const { batch, socket } = this.#connection;
    if (this.#framing === "chunked") batch.push(lastChunk(this.request.acceptsTrailers ? trailers : []));
    if (this.#framing !== "tunnel") return this.#connection.onAnswered(this.#closes);
    batch.flush();
    socket.end();
  }

  reset(_code: number): void {
    this.#connection.socket.destroy();
  }

  /** The rest of the request cannot be read. */
  fault(status: number, reason: string): void {
    this.events?.onRequestFault(status, reason);
  }

  /** The connection has gone. */
  closed(): void {
    this.events?.onClientClosed(resetCodes.cancel);
  }
}

function toFraming(head: ResponseHead, version: "1.0" | "1.1"): ResponseFraming {
  if (head.isTunnel) return "tunnel";
  if (!head.hasBody) return "none";
  if (head.contentLength !== undefined) return "length";
  return version === "1.1" ? "chunked" : "close";
}
