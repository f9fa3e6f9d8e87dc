/**
 * The two sides of a proxied request, the same for HTTP/1.1 and HTTP/2: a client stream (`http1/`, `http2/`) brings requests in and
 * takes responses; a backend stream takes the request and brings the response. An {@link file://./exchange.ts exchange} joins one of each.
 *
 * All calls are synchronous and every chunk belongs to the receiver. `false` from a `send` means: pause the other side until the drain
 * event. No event comes after a `reset` or after the last one of a side (`onRequestEnd` + `onClientClosed`, `onResponseEnd`, `onFailed`).
 */
import type { Buffer } from "node:buffer";

/** Header or trailer fields: names and values in turn. Names keep their case on HTTP/1.1 and are lower-case on HTTP/2. */
export type Fields = readonly string[];

/** A request head that passed every check of its protocol's parser (RFC 9110 §6, RFC 9112, RFC 9113 §8). */
export interface RequestHead {
  readonly version: "1.0" | "1.1" | "2";
  readonly method: string;
  /** Path and query as sent, or `*`. */
  readonly path: string;
  /** `host[:port]` as sent: exactly one, well formed. */
  readonly authority: string;
  /**
   * End-to-end fields, as sent and in order. Without Host, Content-Length, hop-by-hop fields, fields that `Connection` names, Via, and the
   * fields that a proxy adds (Forwarded, X-Forwarded-*, X-Real-IP, X-Request-Id, and their look-alikes with `_`).
   */
  readonly fields: Fields;
  /** Body in bytes, 0 without one; `undefined` when only its end tells (chunked, or HTTP/2 without Content-Length). */
  readonly bodyLength: number | undefined;
  /** Whether the client waits for 100 (Continue). */
  readonly expectsContinue: boolean;
  /** Whether the client said `TE: trailers`, or speaks HTTP/2. */
  readonly acceptsTrailers: boolean;
  /** Lower-case protocol of an upgrade (RFC 9110 §7.8) or of an extended CONNECT (RFC 8441). */
  readonly upgrade: string | undefined;
  /** Values of `Via`, joined; empty without one. */
  readonly via: string;
  /** Values of `X-Forwarded-For`, joined: what the client claims, nothing to believe. */
  readonly claimedFor: string;
  /** Value of `X-Request-Id` when it is one sane word, else empty. */
  readonly claimedId: string;
}

/** A final response head. */
export interface ResponseHead {
  readonly status: number;
  /** End-to-end fields without Content-Length. */
  readonly fields: Fields;
  /** Value of Content-Length; with {@link hasBody} the exact length of the body. */
  readonly contentLength: number | undefined;
  /** Whether a body follows; `false` for HEAD, 204 and 304 whatever the fields say (RFC 9112 §6.3), and for a tunnel. */
  readonly hasBody: boolean;
  /** Whether both sides are raw bytes from here on: 101, or 2xx to an extended CONNECT. */
  readonly isTunnel: boolean;
}

/** Why a stream is broken off, as HTTP/2 error codes (RFC 9113 §7); on HTTP/1.1 each of them closes the connection. */
export const resetCodes = { internalError: 2, refusedStream: 7, cancel: 8, enhanceYourCalm: 11 } as const;

/** The client's connection, as far as one of its requests may know it. */
export interface ClientOrigin {
  /** Name that TLS was opened for, in lower case. */
  readonly hostname: string;
  /** External port: that of the listener. */
  readonly port: number;
  /** Verified address of the client: what the PROXY header says, else the peer's. */
  readonly clientAddress: string;
}

/** One request of a client, and the way back to it. */
export interface ClientStream {
  readonly request: RequestHead;
  readonly origin: ClientOrigin;
  /** Lets the body come: nothing of it is delivered before. */
  resumeRequest(): void;
  /** Holds the body back. */
  pauseRequest(): void;
  /** Sends a 100, 102 or 103 (RFC 9110 §15.2); dropped for HTTP/1.0. */
  sendInformational(status: number, fields: Fields): void;
  /** Sends the head; `closes` ends an HTTP/1.1 connection after this response. */
  sendHead(head: ResponseHead, closes: boolean): void;
  /** Sends a part of the body; `false` asks to wait for `onResponseDrain`. */
  sendData(chunk: Buffer): boolean;
  /** Ends the response. What is left of the request is dropped, or the connection closed. */
  sendEnd(trailers: Fields): void;
  /** Breaks the response off, so that the client cannot take it for complete. */
  reset(code: number): void;
}

/** What a client stream tells. */
export interface ClientStreamEvents {
  onRequestData(chunk: Buffer): void;
  onRequestEnd(trailers: Fields): void;
  onResponseDrain(): void;
  /** The body cannot be read on: it is malformed, or comes too slowly. An answer is still possible, and ends the connection. */
  onRequestFault(status: number, reason: string): void;
  /** The client broke off before the response was complete; `code` is its HTTP/2 error code, `cancel` for HTTP/1.1. */
  onClientClosed(code: number): void;
}

/** Takes over a request; what it gives back hears the rest. */
export type ServeStream = (stream: ClientStream) => ClientStreamEvents;

/** What is asked of a backend: a rebuilt request. */
export interface BackendRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** End-to-end fields and those that the proxy adds; neither Host nor framing. */
  readonly fields: Fields;
  readonly bodyLength: number | undefined;
  readonly expectsContinue: boolean;
  readonly acceptsTrailers: boolean;
  readonly upgrade: string | undefined;
}

/** Why there is no (complete) response. */
export interface BackendFailure {
  /**
   * `connect`: nothing was sent, another instance may be tried; `stale`: a reused connection ended before any answer, try once more if nothing
   * of the body was sent; `response`: anything else before the head; `body`: the response broke off.
   */
  readonly step: "connect" | "stale" | "response" | "body";
  /** 502 or 504; 503 when the backend refused the stream unprocessed. */
  readonly status: number;
  /** HTTP/2 error code with which the backend reset the stream. */
  readonly resetCode?: number;
  readonly error: Error;
}

/** One request at a backend. The head is on its way as soon as the stream exists. */
export interface BackendStream {
  /** Sends a part of the body; `false` asks to wait for `onRequestDrain`. */
  sendData(chunk: Buffer): boolean;
  /** Ends the request. */
  sendEnd(trailers: Fields): void;
  pauseResponse(): void;
  resumeResponse(): void;
  /** Gives the request up: its connection closes (HTTP/1.1), or its stream is reset with `code`. */
  reset(code: number): void;
}

/** What a backend stream tells. */
export interface BackendStreamEvents {
  /** The connection stands; the body may be sent. May be called before `open` returns. */
  onConnected(): void;
  onInformational(status: number, fields: Fields): void;
  onResponse(head: ResponseHead): void;
  onResponseData(chunk: Buffer): void;
  onResponseEnd(trailers: Fields): void;
  onRequestDrain(): void;
  onFailed(failure: BackendFailure): void;
}
