import type { Buffer } from "node:buffer";
import type { RequestHead } from "../l7/streams.ts";
import { maxHeaderFields } from "../limits.ts";
import { isAuthority } from "./authority.ts";
import { isPersistent, toUpgrade, withoutNamed } from "./connection-options.ts";
import { createFieldLine, scanFieldLine } from "./field-line.ts";
import { findTokenEnd } from "./field-names.ts";
import { createFault, type HeadFault } from "./head-fault.ts";
import { createRequestFields, type RequestFields, takeRequestField } from "./request-fields.ts";
import { findTargetEnd, type RequestTarget, toRequestTarget } from "./request-target.ts";
import { isLineBreak, isMethod, readVersion, versionLength } from "./start-line.ts";

export { findHeadEnd, isHopelessHead } from "./field-line.ts";

/** A request whose head is sound. */
export interface ParsedRequest {
  readonly kind: "request";
  readonly head: RequestHead;
  /** Whether the client wants the connection to stay open (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  readonly isChunked: boolean;
}

/** What the request line says (RFC 9112 §3). */
interface RequestLine {
  readonly method: string;
  readonly target: RequestTarget;
  readonly version: "1.0" | "1.1";
  /** Where the fields begin. */
  readonly end: number;
}

const space = 32;

/**
 * The request whose head lies between `start` and `end`, the index that {@link findHeadEnd} gave; or why it is refused: whatever two
 * servers could read differently (RFC 9112 §11.2). Every part is checked and taken over by itself, nothing is copied as it stands.
 */
export function parseRequestHead(buffer: Buffer, start: number, end: number): ParsedRequest | HeadFault {
  // One string for the whole head: slices of it cost a tenth of what a string of each value would.
  const text = buffer.toString("latin1", start, end);
  const line = readRequestLine(buffer, text, start);
  if ("kind" in line) return line;
  const found = createRequestFields(line.version);
  const field = createFieldLine();
  let count = 0;
  let at = line.end;
  while (at < end - 2) {
    at = scanFieldLine(buffer, at, field);
    if (at === -1 || at > end - 2) return malformedField;
    count += 1;
    if (count > maxHeaderFields) return tooManyFields;
    const value = text.slice(field.valueStart - start, field.valueEnd - start);
    if (field.name.kind === "ordinary") {
      found.fields.push(field.name.raw, value);
    } else {
      const fault = takeRequestField(found, field, value);
      if (fault !== undefined) return fault;
    }
  }
  return toRequest(line, found);
}

const malformedField = createFault(400, "a header field is malformed");
const tooManyFields = createFault(431, "there are too many header fields");

function readRequestLine(buffer: Buffer, text: string, start: number): RequestLine | HeadFault {
  const methodEnd = findTokenEnd(buffer, start);
  if (methodEnd === start || buffer[methodEnd] !== space) return malformedLine;
  const method = text.slice(0, methodEnd - start);
  const targetEnd = findTargetEnd(buffer, methodEnd + 1);
  if (buffer[targetEnd] !== space) return malformedLine;
  const version = readVersion(buffer, targetEnd + 1);
  const lineEnd = targetEnd + 1 + versionLength;
  if (version === undefined || !isLineBreak(buffer, lineEnd)) return malformedLine;
  if (version === "other") return createFault(505, "the version is not offered");
  if (!isMethod(method)) return createFault(501, "the method is unknown");
  if (method === "CONNECT" || method === "TRACE") return createFault(405, "the method is not offered");
  const target = toRequestTarget(text.slice(methodEnd + 1 - start, targetEnd - start), method);
  if (target === 414) return createFault(414, "the request target is too long");
  if (typeof target === "number") return createFault(target, "the request target is malformed");
  return { method, target, version, end: lineEnd + 2 };
}

const malformedLine = createFault(400, "the request line is malformed");

function toRequest(line: RequestLine, found: RequestFields): ParsedRequest | HeadFault {
  const { method, target, version } = line;
  if (found.host === undefined || !isAuthority(found.host)) {
    return createFault(400, "there is not exactly one valid Host");
  }
  if (found.isChunked && found.contentLength !== -1) {
    return createFault(400, "there are a Content-Length and a Transfer-Encoding");
  }
  const bodyLength = found.isChunked ? undefined : Math.max(found.contentLength, 0);
  const { options } = found;
  return {
    kind: "request",
    head: {
      version,
      method,
      path: target.path,
      authority: target.authority ?? found.host,
      fields: withoutNamed(found.fields, options),
      bodyLength,
      // RFC 9110 §10.1.1: without a body or in HTTP/1.0 nobody waits.
      expectsContinue: found.expectsContinue && bodyLength !== 0 && version === "1.1",
      acceptsTrailers: found.acceptsTrailers,
      upgrade: version === "1.1" ? toUpgrade(options, found.upgrade) : undefined,
      via: found.via,
      claimedFor: found.claimedFor,
      claimedId: found.claimedId,
    },
    keepAlive: isPersistent(options, version),
    isChunked: found.isChunked,
  };
}
