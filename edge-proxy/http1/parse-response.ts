import type { Buffer } from "node:buffer";
import type { ResponseHead } from "../l7/streams.ts";
import {
  addConnectionOptions,
  type ConnectionOptions,
  createConnectionOptions,
  isPersistent,
  toUpgrade,
  withoutNamed,
} from "./connection-options.ts";
import { createFieldLine, type FieldLine, findValueEnd, scanFieldLine } from "./field-line.ts";
import { isChunkedCoding, toContentLength } from "./framing-values.ts";
import { createFault, type HeadFault } from "./head-fault.ts";
import { isLineBreak, readStatus, readVersion, versionLength } from "./start-line.ts";

/** A response whose head is sound. */
export interface ParsedResponse {
  readonly kind: "response";
  readonly head: ResponseHead;
  /** Whether the connection can take another request, once the body was read and nothing else came (S10). */
  readonly keepAlive: boolean;
  /** How the body's end is told (RFC 9112 §6.3). */
  readonly framing: "none" | "length" | "chunked" | "close";
  /** 1xx but 101: another head follows (RFC 9110 §15.2). */
  readonly isInformational: boolean;
  /** Lower-case protocol of a 101. */
  readonly upgrade: string | undefined;
}

/** Most header fields of a response. */
export const maxResponseFields = 200;
const space = 32;

interface StatusLine {
  readonly status: number;
  readonly version: "1.0" | "1.1";
  readonly end: number;
}

interface ResponseFields {
  readonly fields: string[];
  readonly options: ConnectionOptions;
  /** -1 without one. */
  contentLength: number;
  isChunked: boolean;
  upgrade: string;
}

/**
 * The response whose head lies between `start` and `end`, the index that {@link findHeadEnd} gave, to a request with `requestMethod`;
 * or a fault with 502: a backend gets no more leeway than a client (RFC 9112 §11.1).
 */
export function parseResponseHead(
  buffer: Buffer,
  start: number,
  end: number,
  requestMethod: string,
): ParsedResponse | HeadFault {
  const text = buffer.toString("latin1", start, end);
  const line = readStatusLine(buffer, start);
  if (line === undefined) return malformedLine;
  const found = createResponseFields();
  const field = createFieldLine();
  let at = line.end;
  let count = 0;
  while (at < end - 2) {
    at = scanFieldLine(buffer, at, field);
    if (at === -1 || at > end - 2) return malformedField;
    count += 1;
    if (count > maxResponseFields) return tooManyFields;
    const value = text.slice(field.valueStart - start, field.valueEnd - start);
    if (field.name.kind === "ordinary") found.fields.push(field.name.raw, value);
    else if (!takeResponseField(found, field, value)) return malformedFraming;
  }
  if (found.isChunked && (found.contentLength !== -1 || line.version === "1.0")) return malformedFraming;
  return toResponse(line, found, requestMethod);
}

const malformedLine = createFault(502, "the backend's status line is malformed");
const malformedField = createFault(502, "a header field of the backend is malformed");
const tooManyFields = createFault(502, "the backend sent too many header fields");
const malformedFraming = createFault(502, "the backend's Content-Length or Transfer-Encoding is malformed");

function readStatusLine(buffer: Buffer, start: number): StatusLine | undefined {
  const version = readVersion(buffer, start);
  const statusAt = start + versionLength + 1;
  if (version === undefined || version === "other" || buffer[statusAt - 1] !== space) return undefined;
  const status = readStatus(buffer, statusAt);
  const reasonAt = statusAt + 3;
  // Many servers leave the space out together with the reason.
  const lineEnd = buffer[reasonAt] === space ? findValueEnd(buffer, reasonAt) : reasonAt;
  return status === -1 || !isLineBreak(buffer, lineEnd) ? undefined : { status, version, end: lineEnd + 2 };
}

function createResponseFields(): ResponseFields {
  return { fields: [], options: createConnectionOptions(), contentLength: -1, isChunked: false, upgrade: "" };
}

/** Takes a field that is not simply forwarded; `false` when it makes the framing doubtful. */
function takeResponseField(found: ResponseFields, { name, isPlain }: FieldLine, value: string): boolean {
  switch (name.kind) {
    case "contentLength": {
      const isFirst = found.contentLength === -1;
      found.contentLength = isPlain ? toContentLength(value) : -1;
      return isFirst && found.contentLength !== -1;
    }
    case "transferEncoding": {
      const isFirst = !found.isChunked;
      found.isChunked = isPlain && isChunkedCoding(value);
      return isFirst && found.isChunked;
    }
    case "connection":
      addConnectionOptions(found.options, value);
      return true;
    case "upgrade":
      found.upgrade = found.upgrade === "" ? value : `${found.upgrade}, ${value}`;
      return true;
    case "hopByHop":
    case "te":
      return true;
    default:
      found.fields.push(name.raw, value);
      return true;
  }
}

function toResponse(line: StatusLine, found: ResponseFields, requestMethod: string): ParsedResponse {
  const { status, version } = line;
  const { options } = found;
  const framing = toFraming(found, status, requestMethod);
  const isPooled = framing !== "close" && !isSuspect(found, status) && isPersistent(options, version);
  const isKnown = found.contentLength !== -1 && !forbidsLength(status);
  return {
    kind: "response",
    head: {
      status,
      fields: withoutNamed(found.fields, options),
      contentLength: isKnown ? found.contentLength : undefined,
      hasBody: framing !== "none",
      isTunnel: status === 101,
    },
    keepAlive: isPooled,
    framing,
    isInformational: status < 200 && status !== 101,
    upgrade: status === 101 ? toUpgrade(options, found.upgrade) : undefined,
  };
}

/** RFC 9112 §6.3. */
function toFraming(found: ResponseFields, status: number, requestMethod: string): ParsedResponse["framing"] {
  if (forbidsLength(status) || status === 304 || requestMethod === "HEAD") return "none";
  if (found.isChunked) return "chunked";
  return found.contentLength === -1 ? "close" : "length";
}

/** Statuses without a body, and without fields that tell of one (RFC 9110 §8.6). */
function forbidsLength(status: number): boolean {
  return status < 200 || status === 204;
}

/** A 204 that announces a body may yet send it, and the next request would take it for its answer. */
function isSuspect(found: ResponseFields, status: number): boolean {
  return forbidsLength(status) && (found.isChunked || found.contentLength > 0);
}
