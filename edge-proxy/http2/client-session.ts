import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { setImmediate } from "node:timers";
import type { TLSSocket } from "node:tls";
import type { Deadlines, Timed } from "../l7/deadlines.ts";
import { type ClientOrigin, type Fields, resetCodes, type ServeStream } from "../l7/streams.ts";
import type { ProxyLimits } from "../limits.ts";
import { type Budget, type BudgetLimits, createBudget } from "./budget.ts";
import { Http2ClientStream, type StreamSession } from "./client-stream.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import { clientSessionOptions, connectionWindowBytes } from "./session-options.ts";

/** Limits of a session of a client. */
export type SessionLimits = Pick<
  ProxyLimits,
  "requestBodyIdleMs" | "requestBodyBytesPerSecond" | "responseBodyIdleMs" | "clientKeepAliveMs" | "connectionAgeMs"
>;

/** What all sessions share. */
export interface SessionContext {
  readonly serve: ServeStream;
  readonly limits: SessionLimits;
  readonly deadlines: Deadlines;
  readonly onRefused: (origin: ClientOrigin, status: number, reason: string) => void;
}

/** How often a session is looked after. */
const watchMs = 500;
/** How long a client may take to close a connection after the session has ended. */
const lingerMs = 5_000;
/** Broken streams that a client may have at once, and per second (T1). */
const cutLimits: BudgetLimits = { burst: 200, perSecond: 20 };
/** Responses of which a client may take nothing for a while, as a player does that is paused; with more it is given up sooner (T5). */
const maxStalled = 16;
/** How much sooner. */
const stallShare = 5;
const endsStreamFlag = 1;
const protocolError = 1;

/** The HTTP/2 session of one connection of a client (RFC 9113). */
export class ClientSession implements Timed, StreamSession {
  deadlineAt: number;
  readonly origin: ClientOrigin;
  readonly now: () => number;
  readonly #context: SessionContext;
  readonly #socket: TLSSocket;
  readonly #session: ServerHttp2Session;
  readonly #streams = new Set<Http2ClientStream>();
  readonly #cuts: Budget = createBudget(cutLimits);
  readonly #closeAt: number;
  #idleSince: number;
  #isEnding = false;
  #endedAt: number | undefined;
  #bytesRead = 0;
  #requests = 0;
  #unseen = 0;

  constructor(socket: TLSSocket, origin: ClientOrigin, context: SessionContext) {
    this.origin = origin;
    this.now = context.deadlines.now;
    this.#context = context;
    this.#socket = socket;
    this.#idleSince = this.now();
    this.deadlineAt = this.#idleSince + watchMs;
    // Clients that came together, after a restart, shall not leave together.
    this.#closeAt = this.#idleSince + context.limits.connectionAgeMs * (0.9 + 0.1 * Math.random());
    this.#session = performServerHandshake(socket, clientSessionOptions);
    this.#session.setLocalWindowSize(connectionWindowBytes);
    this.#session.on("stream", (stream, _headers, flags, raw) => this.#onStream(stream, flags, raw));
    this.#session.on("error", ignore);
    context.deadlines.add(this);
    // Node's session does not see that its client has closed its side while a stream is open.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => context.deadlines.delete(this));
  }

  /** Requests under way. */
  get streams(): number {
    return this.#streams.size;
  }

  /** T7: takes no more requests; those under way finish, then the connection closes. */
  close(): void {
    this.#session.close();
  }

  /** Ends the session now, with GOAWAY: sent a turn before, since node drops it when resets of streams are being written. */
  destroy(code: number, reason: string): void {
    if (this.#isEnding || this.#session.destroyed) return;
    this.#isEnding = true;
    this.#session.goaway(code);
    setImmediate(() => this.#session.destroy(new Error(reason), code));
  }

  readonly onOver = (stream: Http2ClientStream, wasCut: boolean): void => {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#idleSince = this.now();
    if (wasCut) this.#countCuts(1);
  };

  onDeadline(): void {
    const now = this.now();
    this.deadlineAt = now + watchMs;
    if (this.#session.destroyed) return this.#linger(now);
    this.#countUnseen();
    this.#watchStreams(now);
    const isIdle = this.#streams.size === 0 && now - this.#idleSince > this.#context.limits.clientKeepAliveMs;
    if (isIdle || now > this.#closeAt) this.#session.close();
  }

  #onStream(stream: ServerHttp2Stream, flags: number, raw: Fields): void {
    this.#requests += 1;
    stream.on("error", ignore);
    // A reset came in the same read as the request (T1).
    if (stream.closed || this.#isEnding) return this.#countCuts(1);
    const endsStream = (flags & endsStreamFlag) !== 0;
    const parsed = parseRequestHead(raw, endsStream);
    if (parsed.kind === "request") {
      const one = new Http2ClientStream(parsed.head, stream, this);
      this.#streams.add(one);
      return one.begin(this.#context.serve);
    }
    const status = parsed.kind === "refused" ? parsed.status : 400;
    this.#context.onRefused(this.origin, status, parsed.reason);
    this.#countCuts(1);
    if (parsed.kind === "malformed") return stream.close(protocolError);
    stream.respond({ ":status": status, "content-length": "0" }, { endStream: true });
    if (!endsStream) stream.close();
  }

  /**
   * Counts requests that never became a stream here: node itself resets those whose fields are too many, as of an HPACK bomb (T4), and
   * nghttp2 those that are malformed. Ids that a client leaves out count too; none is known to leave out more than a few.
   */
  #countUnseen(): void {
    const { bytesRead } = this.#socket;
    if (bytesRead === this.#bytesRead) return;
    this.#bytesRead = bytesRead;
    const { lastProcStreamID = 0 } = this.#session.state;
    const unseen = (lastProcStreamID + 1) / 2 - this.#requests;
    if (unseen > this.#unseen) this.#countCuts(unseen - this.#unseen);
    this.#unseen = unseen;
  }

  #countCuts(count: number): void {
    if (!this.#cuts.take(count, this.now())) {
      this.destroy(resetCodes.enhanceYourCalm, "too many streams were broken off");
    }
  }

  #watchStreams(now: number): void {
    const { limits } = this.#context;
    let stalled = 0;
    for (const stream of this.#streams) {
      const stalledMs = stream.pace.stalledMs(now) ?? 0;
      if (stalledMs > limits.responseBodyIdleMs / stallShare) stalled += 1;
      if (stalledMs > limits.responseBodyIdleMs) stream.cut(resetCodes.cancel);
      else if (stream.pace.isUploadSlow(now, limits)) stream.cut(resetCodes.enhanceYourCalm);
    }
    if (stalled > maxStalled) this.destroy(resetCodes.enhanceYourCalm, "the client takes nothing");
  }

  /** The session is over: a client that does not close its side is not waited for. */
  #linger(now: number): void {
    this.#endedAt ??= now;
    if (now - this.#endedAt >= lingerMs) this.#socket.destroy();
  }
}

function ignore(): void {}
