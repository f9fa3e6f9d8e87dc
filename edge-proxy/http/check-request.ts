import { maxHeaderFields } from "../limits.ts";

/** The head of a request as node's parser gives it. */
export interface RequestHead {
  /** Method as sent. */
  readonly method: string;
  /** Request target as sent (RFC 9112 §3.2). */
  readonly target: string;
  /** `1.1`, `1.0`, or what else the parser let through. */
  readonly httpVersion: string;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
}

/** What {@link checkRequest} found: the host and path to forward, or the status to answer with. */
export type CheckedRequest =
  | { readonly kind: "accepted"; readonly host: string; readonly path: string; readonly hasBody: boolean }
  | { readonly kind: "rejected"; readonly status: number; readonly reason: string };

/** A host with an optional port (RFC 9110 §7.2), no user information, lists or blanks. */
const hostPattern = /^(?:[a-z0-9._-]{1,254}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;
/** No blanks, controls or fragment (RFC 9112 §3.2); bytes above ASCII are forwarded as they came. */
const targetPattern = /^[\x21\x22\x24-\x7e\x80-\xff]{1,8192}$/;
/** Our name in `Via`, and how often it may be there before it is a loop (RFC 9110 §7.6.3). */
export const viaName = "mc-proxy";
const maxHops = 4;

/**
 * Refuses what node's parser lets through but two parsers may read differently (RFC 9112 §3.2, §6.1, §11.2), and names other
 * than `serverName`, the one that TLS was opened for (RFC 9110 §15.5.20).
 */
export function checkRequest(head: RequestHead, serverName: string): CheckedRequest {
  const values = (name: string) => valuesOf(head.rawHeaders, name);
  const fault = findFramingFault(head, values) ?? findTargetFault(head, values);
  if (fault !== undefined) return { kind: "rejected", ...fault };
  const [hostField = ""] = values("host");
  const { authority, path } = splitTarget(head.target);
  const host = authority ?? hostField;
  if (!hostPattern.test(hostField) || !hostPattern.test(host)) return rejected(400, "the Host is malformed");
  if (toName(host) !== serverName) return rejected(421, "the Host is not the name that the connection was opened for");
  const lengths = values("content-length");
  const hasBody = values("transfer-encoding").length > 0 || (lengths.length > 0 && Number(lengths[0]) > 0);
  return { kind: "accepted", host, path, hasBody };
}

type Values = (name: string) => string[];
type RequestFault = { readonly status: number; readonly reason: string };

function findFramingFault(head: RequestHead, values: Values): RequestFault | undefined {
  if (head.httpVersion !== "1.1" && head.httpVersion !== "1.0") {
    return { status: 400, reason: "the version is missing" };
  }
  if (head.rawHeaders.length / 2 > maxHeaderFields) return { status: 431, reason: "there are too many header fields" };
  const codings = values("transfer-encoding");
  const lengths = values("content-length");
  if (lengths.length > 1 || lengths.some((length) => !/^[0-9]{1,15}$/.test(length))) {
    return { status: 400, reason: "the Content-Length is malformed" };
  }
  if (codings.length === 0) return undefined;
  if (lengths.length > 0) return { status: 400, reason: "there are a Content-Length and a Transfer-Encoding" };
  if (head.httpVersion === "1.0") return { status: 400, reason: "HTTP/1.0 has no Transfer-Encoding" };
  if (codings.length > 1) return { status: 400, reason: "there are several Transfer-Encoding fields" };
  return codings[0]?.toLowerCase() === "chunked"
    ? undefined
    : { status: 501, reason: "the Transfer-Encoding is unknown" };
}

function findTargetFault(head: RequestHead, values: Values): RequestFault | undefined {
  if (head.method === "CONNECT" || head.method === "TRACE") return { status: 405, reason: "the method is not offered" };
  if (values("host").length !== 1) return { status: 400, reason: "there is not exactly one Host" };
  if (!targetPattern.test(head.target)) return { status: 400, reason: "the request target is malformed" };
  const isAsterisk = head.target === "*" && head.method === "OPTIONS";
  if (!isAsterisk && !/^(\/|https?:\/\/)/i.test(head.target)) {
    return { status: 400, reason: "the request target is malformed" };
  }
  const hops = values("via").join(",").split(",").filter((hop) => hop.trim().endsWith(` ${viaName}`)).length;
  return hops > maxHops ? { status: 508, reason: "the request went around in a loop" } : undefined;
}

/** Splits an absolute-form target (RFC 9112 §3.2.2), whose authority overrides the Host. */
function splitTarget(target: string): { authority: string | undefined; path: string } {
  const match = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (match === null) return { authority: undefined, path: target };
  const [, authority = "", rest = ""] = match;
  return { authority, path: rest.startsWith("/") ? rest : `/${rest}` };
}

function toName(host: string): string {
  return host.toLowerCase().replace(/:[0-9]+$/, "").replace(/\.$/, "");
}

function rejected(status: number, reason: string): CheckedRequest {
  return { kind: "rejected", status, reason };
}

/** Values of the header fields called `name`, in order. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? "");
  }
  return values;
}
