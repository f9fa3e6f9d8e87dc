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
  const status = Number(raw[1]);
  const found = toFields(raw);
  if (typeof found === "string") return fault(found);
  const isTunnel = context.isConnect && status >= 200 && status < 300;
  const isBodiless = status < 200 || status === 204;
  const hasBody = !context.endsStream && !isTunnel && !isBodiless && status !== 304 && context.method !== "HEAD";
  if (isTunnel && context.endsStream) return fault("the tunnel ends before it begins");
  const contentLength = isBodiless || isTunnel ? undefined : found.contentLength;
  const isKnownEmpty = context.endsStream && context.method !== "HEAD" && status !== 304;
  if (isKnownEmpty && contentLength !== undefined && contentLength > 0) return fault("the body is missing");
  return { kind: "response", head: { status, fields: found.fields, contentLength, hasBody, isTunnel } };
}

function toFields(raw: Fields): { fields: string[]; contentLength: number | undefined } | string {
  const fields: string[] = [];
  let contentLength: number | undefined;
  for (let index = 2; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const { kind, lower } = internName(name);
    if (lower !== name || !isToken(name) || !isFieldValue(value)) return "a field is malformed";
    if (kind === "contentLength") {
      const length = toContentLength(value);
      if (length < 0 || contentLength !== undefined) return "the Content-Length is malformed";
      contentLength = length;
    } else if (kind === "connection" || kind === "transferEncoding" || kind === "upgrade") {
      return "there is a connection-specific field";
    } else if (kind !== "hopByHop" && kind !== "te") fields.push(name, value);
  }
  return { fields, contentLength };
}

function fault(reason: string): ParsedResponseHead {
  return { kind: "fault", reason };
}
