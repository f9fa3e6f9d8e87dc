import { isAuthority } from "../http1/authority.ts";
import { type FieldKind, internName, isToken } from "../http1/field-names.ts";
import { toContentLength } from "../http1/framing-values.ts";
import type { Fields, RequestHead } from "../l7/streams.ts";
import { maxHeaderFields } from "../limits.ts";
import { isFieldValue } from "./field-values.ts";

/** What became of a header section: a request, a refusal to answer with a status, or a malformed one (RFC 9113 §8.1.1). */
export type ParsedHead =
  | { readonly kind: "request"; readonly head: RequestHead }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string }
  | { readonly kind: "malformed"; readonly reason: string };

/** Longest path, as for HTTP/1.1. */
const maxPathLength = 8192;
/** No blanks, controls or fragment. */
const pathPattern = /^[\x21\x22\x24-\x7e\x80-\xff]+$/;

/** What was read so far. */
interface Draft {
  method: string | undefined;
  path: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  protocol: string | undefined;
  host: string | undefined;
  contentLength: string | undefined;
  expect: string | undefined;
  via: string;
  claimedFor: string;
  claimedId: string | undefined;
  hasSeveralIds: boolean;
  /** Where in {@link fields} the value of the one Cookie is, or -1. */
  cookieAt: number;
  readonly fields: string[];
}

/**
 * The request that a header section is: names and values in turn, `:` names first. Everything is checked again that nghttp2 checks, because
 * what passes here may be written to an HTTP/1.1 connection (RFC 9113 §8.2, §8.3, §10.3).
 */
export function parseRequestHead(raw: Fields, endsStream: boolean): ParsedHead {
  const draft = createDraft();
  let index = 0;
  while (index < raw.length && raw[index]?.startsWith(":")) {
    const fault = addPseudo(draft, raw[index] ?? "", raw[index + 1] ?? "");
    if (fault !== undefined) return malformed(fault);
    index += 2;
  }
  for (; index < raw.length; index += 2) {
    const fault = addField(draft, raw[index] ?? "", raw[index + 1] ?? "");
    if (fault !== undefined) return malformed(fault);
  }
  return toRequest(draft, endsStream);
}

function createDraft(): Draft {
  return {
    method: undefined,
    path: undefined,
    scheme: undefined,
    authority: undefined,
    protocol: undefined,
    host: undefined,
    contentLength: undefined,
    expect: undefined,
    via: "",
    claimedFor: "",
    claimedId: undefined,
    hasSeveralIds: false,
    cookieAt: -1,
    fields: [],
  };
}

/** RFC 9113 §8.3.1, RFC 8441 §4: each at most once, and no others. */
function addPseudo(draft: Draft, name: string, value: string): string | undefined {
  if (!isFieldValue(value)) return "a pseudo-header field has a control character";
  const key = pseudoKeys.get(name);
  if (key === undefined) return "there is an unknown pseudo-header field";
  if (draft[key] !== undefined) return "there are two pseudo-header fields of one name";
  draft[key] = value;
  return undefined;
}

const pseudoKeys = new Map<string, "method" | "path" | "scheme" | "authority" | "protocol">([
  [":method", "method"],
  [":path", "path"],
  [":scheme", "scheme"],
  [":authority", "authority"],
  [":protocol", "protocol"],
]);

function addField(draft: Draft, raw: string, value: string): string | undefined {
  const { kind, lower } = internName(raw);
  if (!isFieldValue(value)) return "a field has a control character";
  if (kind !== "ordinary") return addSpecial[kind](draft, value, lower);
  if (lower !== raw || !isToken(raw)) return "the name of a field is malformed";
  if (raw === "cookie") addCookie(draft, value);
  else draft.fields.push(raw, value);
  return undefined;
}

/** RFC 9113 §8.2.3: HTTP/2 may split the cookies, HTTP/1.1 must not. */
function addCookie(draft: Draft, value: string): void {
  if (draft.cookieAt >= 0) draft.fields[draft.cookieAt] += `; ${value}`;
  else draft.cookieAt = draft.fields.push("cookie", value) - 1;
}

const connectionSpecific = new Set(["keep-alive", "proxy-connection"]);
const refuse = () => "there is a connection-specific field";

/** Fields that the proxy handles itself; the rest it forwards. */
const addSpecial: Record<
  Exclude<FieldKind, "ordinary">,
  (draft: Draft, value: string, name: string) => string | undefined
> = {
  connection: refuse,
  upgrade: refuse,
  transferEncoding: refuse,
  hopByHop: (_draft, _value, name) => connectionSpecific.has(name) ? refuse() : undefined,
  te: (_draft, value) => value.toLowerCase() === "trailers" ? undefined : "the TE field asks for more than trailers",
  ours: () => undefined,
  host(draft, value) {
    if (draft.host !== undefined) return "there are two Host fields";
    draft.host = value;
    return undefined;
  },
  contentLength(draft, value) {
    if (draft.contentLength !== undefined) return "there are two Content-Length fields";
    draft.contentLength = value;
    return undefined;
  },
  expect(draft, value) {
    draft.expect = draft.expect === undefined ? value : `${draft.expect}, ${value}`;
    return undefined;
  },
  via(draft, value) {
    draft.via = draft.via === "" ? value : `${draft.via}, ${value}`;
    return undefined;
  },
  forwardedFor(draft, value) {
    draft.claimedFor = draft.claimedFor === "" ? value : `${draft.claimedFor}, ${value}`;
    return undefined;
  },
  requestId(draft, value) {
    if (draft.claimedId !== undefined) draft.hasSeveralIds = true;
    draft.claimedId = value;
    return undefined;
  },
};

function toRequest(draft: Draft, endsStream: boolean): ParsedHead {
  const fault = findMethodFault(draft) ?? findTargetFault(draft) ?? findFramingFault(draft, endsStream);
  if (fault !== undefined) return fault;
  const { method = "", path = "", authority = draft.host ?? "", protocol, claimedId = "", fields } = draft;
  const length = draft.contentLength === undefined ? undefined : toContentLength(draft.contentLength);
  return {
    kind: "request",
    head: {
      version: "2",
      method,
      path,
      authority,
      fields,
      bodyLength: endsStream || protocol !== undefined ? 0 : length,
      expectsContinue: draft.expect !== undefined && !endsStream,
      acceptsTrailers: true,
      upgrade: protocol?.toLowerCase(),
      via: draft.via,
      claimedFor: draft.claimedFor,
      claimedId: !draft.hasSeveralIds && /^[A-Za-z0-9._-]{1,64}$/.test(claimedId) ? claimedId : "",
    },
  };
}

function findMethodFault({ method, protocol }: Draft): ParsedHead | undefined {
  if (method === undefined || !isToken(method)) return malformed("the method is missing or malformed");
  if (protocol !== undefined && (method !== "CONNECT" || !isToken(protocol))) {
    return malformed("the protocol is malformed, or the method is not CONNECT");
  }
  if (method === "TRACE" || (method === "CONNECT" && protocol === undefined)) {
    return refused(405, "the method is not offered");
  }
  return undefined;
}

function findTargetFault({ method, path, scheme, authority, host }: Draft): ParsedHead | undefined {
  if (path === undefined || !pathPattern.test(path)) return malformed("the path is missing or malformed");
  if (scheme !== "https" && scheme !== "http") return malformed("the scheme is missing or unknown");
  if (/ /.test(authority ?? "") || / /.test(host ?? "")) return malformed("the authority has a blank");
  if (authority !== undefined && host !== undefined && toComparable(authority) !== toComparable(host)) {
    return malformed("the Host field differs from the authority");
  }
  if (!isAuthority(authority ?? host ?? "")) return refused(400, "the authority is missing or malformed");
  if (!path.startsWith("/") && (path !== "*" || method !== "OPTIONS")) return malformed("the path is malformed");
  return path.length > maxPathLength ? refused(414, "the path is too long") : undefined;
}

/** Lower case, without a trailing dot and the default port (RFC 9110 §4.2.3). */
function toComparable(authority: string): string {
  return authority.toLowerCase().replace(/:443$/, "").replace(/\.(?=:|$)/, "");
}

function findFramingFault(
  { contentLength, expect, protocol, fields }: Draft,
  endsStream: boolean,
): ParsedHead | undefined {
  if (fields.length > 2 * maxHeaderFields) return refused(431, "there are too many header fields");
  if (contentLength !== undefined) {
    const length = toContentLength(contentLength);
    // RFC 9113 §8.1.1: what is announced must come.
    if (length < 0 || (endsStream && length > 0) || protocol !== undefined) {
      return malformed("the Content-Length is wrong");
    }
  }
  if (protocol !== undefined && endsStream) return malformed("the tunnel ends before it begins");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return refused(417, "the expectation is unknown");
  }
  return undefined;
}

function malformed(reason: string): ParsedHead {
  return { kind: "malformed", reason };
}

function refused(status: number, reason: string): ParsedHead {
  return { kind: "refused", status, reason };
}
