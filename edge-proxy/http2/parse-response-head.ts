import { internName, isToken } from "../http1/field-names.ts";
import { toContentLength } from "../http1/framing-values.ts";
import type { Fields, ResponseHead } from "../l7/streams.ts";
import { isFieldValue } from "./field-values.ts";

/** A response head of a backend, or what is wrong with it. */
export type ParsedResponseHead =
  | { readonly kind: "response"; readonly head: ResponseHead }
  | { readonly kind: "fault"; readonly reason: string };

/** What a response answers. */
export interface ResponseContext {
  readonly method: string;
  /** Whether it was asked for a tunnel (RFC 8441 §5). */
  readonly isConnect: boolean;
  /** Whether nothing follows the head. */
  readonly endsStream: boolean;
}

/** Most fields of a backend's head, as for HTTP/1.1. */
const maxFields = 200;

/** The response that a header section of a backend is; a backend gets no more leeway than a client (RFC 9113 §8.2, §8.3.2). */
export function parseResponseHead(raw: Fields, context: ResponseContext): ParsedResponseHead {
  if (raw[0] !== ":status" || !/^[1-5][0-9]{2}$/.test(raw[1] ?? "")) return fault("the status is missing or malformed");
  if (raw.length > 2 * maxFields) return fault("there are too many fields");
  const found: FoundFields = { fields: [], contentLength: undefined };
  for (let index = 2; index < raw.length; index += 2) {
    const reason = takeField(found, raw[index] ?? "", raw[index + 1] ?? "");
    if (reason !== undefined) return fault(reason);
  }
  return toResponse(Number(raw[1]), found, context);
}

interface FoundFields {
  readonly fields: string[];
  contentLength: number | undefined;
}

function takeField(found: FoundFields, name: string, value: string): string | undefined {
  const { kind, lower } = internName(name);
  if (lower !== name || !isToken(name) || !isFieldValue(value)) return "a field is malformed";
  switch (kind) {
    case "contentLength": {
      const isFirst = found.contentLength === undefined;
      found.contentLength = toContentLength(value);
      return isFirst && found.contentLength >= 0 ? undefined : "the Content-Length is malformed";
    }
    case "connection":
    case "transferEncoding":
    case "upgrade":
      return "there is a connection-specific field";
    case "hopByHop":
    case "te":
      return undefined;
    default:
      found.fields.push(name, value);
      return undefined;
  }
}

function toResponse(status: number, found: FoundFields, context: ResponseContext): ParsedResponseHead {
  const { method, isConnect, endsStream } = context;
  const isTunnel = isConnect && isSuccess(status);
  if (isTunnel && endsStream) return fault("the tunnel ends before it begins");
  const isBodiless = isTunnel || status < 200 || status === 204;
  const contentLength = isBodiless ? undefined : found.contentLength;
  const mayHaveBody = !isBodiless && mayFollow(status, method);
  if (mayHaveBody && endsStream && isPositive(contentLength)) return fault("the body is missing");
  const hasBody = mayHaveBody && !endsStream;
  return { kind: "response", head: { status, fields: found.fields, contentLength, hasBody, isTunnel } };
}

function isPositive(length: number | undefined): boolean {
  return length !== undefined && length > 0;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Whether a body may follow what announces one (RFC 9110 §6.4.1). */
function mayFollow(status: number, method: string): boolean {
  return status !== 304 && method !== "HEAD";
}

function fault(reason: string): ParsedResponseHead {
  return { kind: "fault", reason };
}
