import { STATUS_CODES } from "node:http";
import type { BackendRequest, Fields, RequestHead, ResponseHead } from "../l7/streams.ts";

/** How a response is written to a client. */
export interface ResponseOptions {
  /** Version of the request. */
  readonly version: RequestHead["version"];
  /** How the end of the body is told; all but `chunked` write Content-Length as far as it is known. */
  readonly framing: "none" | "length" | "chunked" | "close" | "tunnel";
  /** Whether the connection ends with it. */
  readonly closes: boolean;
  /** Protocol of a 101; `websocket` unless given. */
  readonly upgrade?: string;
}

const lineBreak = "\r\n";
const statusLines: string[] = [];
for (let status = 100; status < 600; status += 1) {
  statusLines[status] = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
}

/** The head of a request to a backend, to be written as `latin1`: Host, framing and hop-by-hop fields are ours (RFC 9112 §3, §6). */
export function serialiseRequest(request: BackendRequest): string {
  const { method, bodyLength } = request;
  let head = `${method} ${request.path} HTTP/1.1\r\nHost: ${request.authority}\r\n${toLines(request.fields)}`;
  if (bodyLength === undefined) head += "Transfer-Encoding: chunked\r\n";
  else if (bodyLength > 0) head += `Content-Length: ${bodyLength}\r\n`;
  // RFC 9110 §8.6: methods that have a use for content say so when they have none.
  else if (method === "POST" || method === "PUT" || method === "PATCH") head += "Content-Length: 0\r\n";
  if (request.expectsContinue) head += "Expect: 100-continue\r\n";
  if (request.upgrade !== undefined) head += `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
  else if (request.acceptsTrailers) head += "Connection: TE\r\nTE: trailers\r\n";
  return head + lineBreak;
}

/** The head of a response to a client, to be written as `latin1`. */
export function serialiseResponse(head: ResponseHead, options: ResponseOptions): string {
  const { status } = head;
  let text = toStatusLine(status) + toLines(head.fields);
  if (status === 101) {
    return `${text}Connection: Upgrade\r\nUpgrade: ${options.upgrade ?? "websocket"}\r\n\r\n`;
  }
  // RFC 9112 §6.1, §6.2: neither is allowed in 1xx and 204, and never both.
  if (options.framing === "chunked") text += "Transfer-Encoding: chunked\r\n";
  else if (head.contentLength !== undefined && status !== 204) text += `Content-Length: ${head.contentLength}\r\n`;
  if (options.closes) text += "Connection: close\r\n";
  else if (options.version === "1.0") text += "Connection: keep-alive\r\n";
  return text + lineBreak;
}

/** The head of a 100, 102 or 103 (RFC 9110 §15.2), to be written as `latin1`. */
export function serialiseInformational(status: number, fields: Fields): string {
  return toStatusLine(status) + toLines(fields) + lineBreak;
}

/** What goes before `length` bytes of payload; CRLF goes behind them (RFC 9112 §7.1). */
export function chunkHead(length: number): string {
  return `${length.toString(16)}\r\n`;
}

/** The end of a chunked body, with its trailers. */
export function lastChunk(trailers: Fields): string {
  return trailers.length === 0 ? "0\r\n\r\n" : `0\r\n${toLines(trailers)}\r\n`;
}

function toStatusLine(status: number): string {
  return statusLines[status] ?? `HTTP/1.1 ${status} \r\n`;
}

function toLines(fields: Fields): string {
  let text = "";
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return text;
}
