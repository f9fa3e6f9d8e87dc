import type { Buffer } from "node:buffer";
import type { ClientHttp2Stream } from "node:http2";
import process from "node:process";
import type { BackendFailure, BackendRequest, BackendStream, BackendStreamEvents, Fields } from "../l7/streams.ts";
import { resetCodes } from "../l7/streams.ts";
import type { BackendSession, ConnectFault } from "./backend-session.ts";
import { parseResponseHead } from "./parse-response-head.ts";
import { parseTrailers } from "./parse-trailers.ts";
import { toHeaderObject } from "./header-list.ts";
import { toRequestFields } from "./to-request-fields.ts";

const endsStreamFlag = 1;

/** One request at a backend, from its wait for a connection to the end of its response. */
export class Http2BackendStream implements BackendStream {
  readonly #request: BackendRequest;
  readonly #events: BackendStreamEvents;
  #session: BackendSession | undefined;
  #stream: ClientHttp2Stream | undefined;
  #isReused = false;
  #isPaused = false;
  #hasHead = false;
  #hasEnd = false;
  #isTunnel = false;
  #requestEnded = false;
  #hearsDrain = false;
  #trailers: Fields = [];
  #requestTrailers: Fields = [];
  #isOver = false;

  constructor(request: BackendRequest, events: BackendStreamEvents) {
    this.#request = request;
    this.#events = events;
  }

  /** Whether nobody waits for it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends the head on `session`. */
  start(session: BackendSession): void {
    const { upgrade, bodyLength } = this.#request;
    if (upgrade !== undefined && !session.takesTunnels) {
      return this.#failSoon("the backend does not take extended CONNECT");
    }
    const endStream = bodyLength === 0 && upgrade === undefined;
    this.#session = session;
    this.#isReused = !session.isFresh;
    this.#requestEnded = endStream;
    let stream: ClientHttp2Stream;
    try {
      const fields = toRequestFields(this.#request);
      // Behind a body of known length trailers are dropped (RFC 9110 §6.5.1). Elsewhere they also keep node from ending a stream cleanly
      // before it resets it (H10).
      const waitForTrailers = !endStream && (bodyLength === undefined || upgrade !== undefined);
      stream = session.request(fields, { endStream, waitForTrailers });
    } catch (error) {
      return this.#failSoon(String(error));
    }
    this.#stream = stream;
    this.#listen(stream, session);
    this.#events.onConnected();
  }

  /** No session could be opened. */
  fail(fault: ConnectFault | { readonly status: 503; readonly error: Error }): void {
    this.#finish({ step: "connect", ...fault });
  }

  sendData(chunk: Buffer): boolean {
    const stream = this.#stream;
    if (stream === undefined || this.#requestEnded || stream.closed) return true;
    if (stream.write(chunk)) return true;
    if (!this.#hearsDrain) {
      this.#hearsDrain = true;
      stream.on("drain", () => {
        if (!this.#requestEnded && !stream.closed) this.#events.onRequestDrain();
      });
    }
    return false;
  }

  sendEnd(trailers: Fields): void {
    const stream = this.#stream;
    // The end of a handshake's empty body is not that of the tunnel which it asks for.
    const isHandshake = this.#request.upgrade !== undefined && !this.#isTunnel;
    if (stream === undefined || this.#requestEnded || isHandshake) return;
    this.#requestEnded = true;
    this.#requestTrailers = trailers;
    if (!stream.closed) stream.end();
  }

  pauseResponse(): void {
    this.#isPaused = true;
    if (this.#hasHead) this.#stream?.pause();
  }

  resumeResponse(): void {
    this.#isPaused = false;
    if (this.#hasHead) this.#stream?.resume();
  }

  reset(code: number): void {
    this.#isOver = true;
    this.#stream?.close(code);
  }

  #listen(stream: ClientHttp2Stream, session: BackendSession): void {
    noteEnd(stream, () => void (this.#hasEnd = true));
    stream.on("headers", (_headers, _flags, raw) => this.#onInformational(raw));
    stream.on("response", (_headers, flags, raw) => this.#onResponse(raw, (flags & endsStreamFlag) !== 0));
    stream.on("trailers", (_headers, _flags, raw) => void (this.#trailers = parseTrailers(raw)));
    stream.on("wantTrailers", () => stream.sendTrailers(toHeaderObject(this.#requestTrailers)));
    stream.on("error", ignore);
    stream.on("close", () => {
      this.#onClose(stream, session);
      session.release();
    });
  }

  #onInformational(raw: Fields): void {
    const parsed = parseResponseHead(raw, { method: this.#request.method, isConnect: false, endsStream: false });
    if (parsed.kind === "response" && !this.#isOver && !this.#hasHead) {
      this.#events.onInformational(parsed.head.status, parsed.head.fields);
    }
  }

  #onResponse(raw: Fields, endsStream: boolean): void {
    if (this.#isOver || this.#stream === undefined) return;
    const isConnect = this.#request.upgrade !== undefined;
    const parsed = parseResponseHead(raw, { method: this.#request.method, isConnect, endsStream });
    if (parsed.kind === "fault" || parsed.head.status < 200) {
      const reason = parsed.kind === "fault" ? parsed.reason : "it ends with an informational response";
      this.#finish({ step: "response", status: 502, error: new Error(`the instance failed: ${reason}`) });
      return this.#stream.close(resetCodes.cancel);
    }
    this.#hasHead = true;
    this.#isTunnel = parsed.head.isTunnel;
    this.#read(this.#stream);
    this.#events.onResponse(parsed.head);
    if (endsStream) this.#onEnd();
  }

  #read(stream: ClientHttp2Stream): void {
    stream.on("end", () => this.#onEnd());
    stream.on("data", (chunk: Buffer) => {
      if (!this.#isOver) this.#events.onResponseData(chunk);
    });
    if (this.#isPaused) stream.pause();
  }

  /** An end that the backend did not send is none (H10): node makes one of RST_STREAM(NO_ERROR) too. */
  #onEnd(): void {
    if (this.#isOver) return;
    if (!this.#hasEnd) return this.#finish(this.#toFailure(this.#stream?.rstCode));
    this.#isOver = true;
    this.#events.onResponseEnd(this.#trailers);
    // What it did not want to read before its answer it does not get; a tunnel's other direction stays open.
    if (!this.#isTunnel && !this.#requestEnded) this.#stream?.close(resetCodes.cancel);
  }

  #onClose(stream: ClientHttp2Stream, session: BackendSession): void {
    if (this.#isOver) return;
    this.#finish(this.#toFailure(session.isBroken ? undefined : stream.rstCode));
  }

  #toFailure(resetCode: number | undefined): BackendFailure {
    const isRefused = resetCode === resetCodes.refusedStream || this.#session?.isUnprocessed(this.#stream?.id) === true;
    const error = new Error(`the instance failed: ${toReason(resetCode)}`, { cause: this.#session?.error });
    const code = resetCode === undefined ? {} : { resetCode };
    if (this.#hasHead) return { step: "body", status: 502, error, ...code };
    if (isRefused) return { step: "stale", status: 503, error, ...code };
    return { step: this.#isReused && resetCode === undefined ? "stale" : "response", status: 502, error, ...code };
  }

  /** Not before the caller has what {@link Http2Backends.open} gives. */
  #failSoon(reason: string): void {
    process.nextTick(() =>
      this.#finish({ step: "response", status: 502, error: new Error(`Cannot ask the instance: ${reason}`) })
    );
  }

  #finish(failure: BackendFailure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onFailed(failure);
  }
}

/** Calls `onEnd` when the peer ends the stream: node ends a stream that was reset with NO_ERROR in the same way, but closes it first. */
function noteEnd(stream: ClientHttp2Stream, onEnd: () => void): void {
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed) onEnd();
    return push(chunk, encoding);
  };
}

function toReason(resetCode: number | undefined): string {
  return resetCode === undefined ? "it closed the connection" : `it reset the stream with code ${resetCode}`;
}

function ignore(): void {}
