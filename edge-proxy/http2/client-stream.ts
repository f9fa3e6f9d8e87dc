import type { Buffer } from "node:buffer";
import type { ServerHttp2Stream, ServerStreamResponseOptions } from "node:http2";
import process from "node:process";
import { setImmediate } from "node:timers";
import {
  type ClientOrigin,
  type ClientStream,
  type ClientStreamEvents,
  type Fields,
  type RequestHead,
  resetCodes,
  type ResponseHead,
  type ServeStream,
} from "../l7/streams.ts";
import { parseTrailers } from "./parse-trailers.ts";
import { StreamPace } from "./stream-pace.ts";
import { addFields, toHeaderObject } from "./header-list.ts";

/** What a stream needs of the session that it is on. */
export interface StreamSession {
  readonly origin: ClientOrigin;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** The stream is over; `wasCut` when the client, or a fault of the client, broke it off. */
  readonly onOver: (stream: Http2ClientStream, wasCut: boolean) => void;
}

const headOnly: ServerStreamResponseOptions = { endStream: true };
const withTrailers: ServerStreamResponseOptions = { waitForTrailers: true };
const noError = 0;

/** One request of a client on an HTTP/2 stream, and its response. */
export class Http2ClientStream implements ClientStream {
  readonly request: RequestHead;
  /** How fast both directions move. */
  readonly pace: StreamPace;
  readonly #session: StreamSession;
  readonly #stream: ServerHttp2Stream;
  #events: ClientStreamEvents | undefined;
  #lostCode: number | undefined;
  /** A head that waits until the end of this turn: with all of a short response at hand, it is sent in the fewest frames. */
  #head: ResponseHead | undefined;
  #firstChunk: Buffer | undefined;
  #trailers: Fields = [];
  #requestTrailers: Fields = [];
  #isReading = false;
  #requestEnded: boolean;
  #responseEnded = false;
  #isTunnel = false;
  #hearsDrain = false;
  #isOver = false;

  constructor(request: RequestHead, stream: ServerHttp2Stream, session: StreamSession) {
    this.request = request;
    this.#stream = stream;
    this.#session = session;
    this.#requestEnded = request.bodyLength === 0 && request.upgrade === undefined;
    this.pace = new StreamPace(stream);
    stream.on("close", () => this.#onGone());
  }

  get origin(): ClientOrigin {
    return this.#session.origin;
  }

  /** Hands the request over. */
  begin(serve: ServeStream): void {
    this.#events = serve(this);
    if (this.#lostCode !== undefined) this.#events.onClientClosed(this.#lostCode);
  }

  resumeRequest(): void {
    if (this.#requestEnded || this.#isOver) return;
    if (!this.#isTunnel) this.pace.startReading(this.#session.now());
    if (this.#isReading) return void this.#stream.resume();
    this.#isReading = true;
    // After RST_STREAM(NO_ERROR) the body would seem to end, and only then the stream would close.
    this.#stream.on("aborted", () => this.#onGone());
    this.#stream.on("trailers", (_headers, _flags, raw) => void (this.#requestTrailers = parseTrailers(raw)));
    this.#stream.on("end", () => this.#onRequestEnd());
    this.#stream.on("data", (chunk: Buffer) => this.#onRequestData(chunk));
  }

  pauseRequest(): void {
    this.pace.stopReading(this.#session.now());
    if (this.#isReading) this.#stream.pause();
  }

  sendInformational(status: number, fields: Fields): void {
    if (this.#isOver || this.#head !== undefined || this.#stream.headersSent) return;
    this.#guard(() => this.#stream.additionalHeaders({ ":status": status, ...toHeaderObject(fields) }));
  }

  /** `closes` ends a connection of HTTP/1.1; here the other streams go on, and the session ends by GOAWAY. */
  sendHead(head: ResponseHead, _closes: boolean): void {
    if (this.#isOver) return;
    this.#isTunnel = head.isTunnel;
    // RFC 8441 §5: there is no 101 in HTTP/2.
    if (head.isTunnel) this.#respondOpen({ ...head, status: 200 });
    // G1: a response that is nothing but a head stays one frame.
    else if (!head.hasBody) this.#respond(head, headOnly);
    else {
      this.#head = head;
      process.nextTick(flush, this);
    }
  }

  sendData(chunk: Buffer): boolean {
    if (this.#isOver || this.#responseEnded) return true;
    if (this.#head !== undefined && this.#firstChunk === undefined) {
      this.#firstChunk = chunk;
      return true;
    }
    this.flush();
    return this.#isOver || this.#write(chunk);
  }

  sendEnd(trailers: Fields): void {
    if (this.#isOver || this.#responseEnded) return;
    this.#responseEnded = true;
    if (this.#head !== undefined && trailers.length === 0) return this.#sendWhole(this.#head);
    this.#trailers = trailers;
    this.flush();
    if (!this.#isOver) this.#stream.end();
  }

  reset(code: number): void {
    if (this.#isOver) return;
    this.#leave(false);
    this.#stream.close(code);
  }

  /** Breaks the stream off for what the client does, or fails to do. */
  cut(code: number): void {
    if (this.#isOver) return;
    this.#leave(true);
    this.#stream.close(code);
    this.#tellClosed(code);
  }

  /** Sends the head that waits for the end of the turn, and the data behind it. */
  flush(): void {
    const head = this.#head;
    const chunk = this.#firstChunk;
    if (head === undefined || this.#isOver) return;
    this.#head = undefined;
    this.#firstChunk = undefined;
    this.#respondOpen(head);
    if (chunk !== undefined && !this.#isOver) this.#write(chunk);
  }

  #sendWhole(head: ResponseHead): void {
    const chunk = this.#firstChunk;
    this.#head = undefined;
    this.#firstChunk = undefined;
    this.#respond(head, chunk === undefined ? headOnly : {});
    if (chunk !== undefined && !this.#isOver) {
      this.pace.wrote(chunk.length);
      this.#stream.end(chunk);
    }
    this.#stopRequest();
  }

  /** With trailers even where none will come: without, node ends a stream cleanly before it resets it (H10). */
  #respondOpen(head: ResponseHead): void {
    this.#stream.on("wantTrailers", () => this.#sendTrailers());
    this.#respond(head, withTrailers);
  }

  #respond(head: ResponseHead, options: ServerStreamResponseOptions): void {
    this.#guard(() => {
      const list = [":status", String(head.status)];
      if (head.contentLength !== undefined) list.push("content-length", String(head.contentLength));
      this.#stream.respond(addFields(list, head.fields), options);
    });
  }

  #write(chunk: Buffer): boolean {
    this.pace.wrote(chunk.length);
    if (this.#stream.write(chunk)) return true;
    if (!this.#hearsDrain) {
      this.#hearsDrain = true;
      this.#stream.on("drain", () => {
        if (!this.#isOver && !this.#responseEnded) this.#events?.onResponseDrain();
      });
    }
    return false;
  }

  #sendTrailers(): void {
    this.#guard(() => this.#stream.sendTrailers(toHeaderObject(this.#trailers)));
    // Node sends them with `setImmediate` too: a reset must not come before.
    setImmediate(() => this.#stopRequest());
  }

  /** RFC 9113 §8.1: asks the client to send no more of a request that has its answer. */
  #stopRequest(): void {
    if (!this.#requestEnded && !this.#isTunnel && !this.#isOver) this.#stream.close(noError);
  }

  #onRequestData(chunk: Buffer): void {
    if (this.#isOver || (this.#responseEnded && !this.#isTunnel)) return;
    this.pace.read(chunk.length, this.#session.now());
    this.#events?.onRequestData(chunk);
  }

  #onRequestEnd(): void {
    this.pace.stopReading(this.#session.now());
    if (this.#isOver || this.#requestEnded) return;
    this.#requestEnded = true;
    if (!this.#responseEnded || this.#isTunnel) this.#events?.onRequestEnd(this.#requestTrailers);
  }

  /** The client, or nghttp2 for a fault of the client, has broken the stream off; or it is complete. */
  #onGone(): void {
    if (this.#isOver) return;
    const { rstCode, writableFinished } = this.#stream;
    const isComplete = this.#responseEnded && (rstCode === noError || (writableFinished && !this.#isTunnel));
    this.#leave(!isComplete);
    if (!isComplete) this.#tellClosed(rstCode);
  }

  #leave(wasCut: boolean): void {
    this.#isOver = true;
    this.#head = undefined;
    this.#firstChunk = undefined;
    this.#session.onOver(this, wasCut);
  }

  #tellClosed(code: number): void {
    if (this.#events === undefined) this.#lostCode = code;
    else this.#events.onClientClosed(code);
  }

  /** What cannot be written in HTTP/2 breaks the stream off, and nothing else. */
  #guard(write: () => void): void {
    try {
      write();
    } catch {
      this.#leave(false);
      this.#stream.close(resetCodes.internalError);
      this.#tellClosed(resetCodes.internalError);
    }
  }
}

function flush(stream: Http2ClientStream): void {
  stream.flush();
}
