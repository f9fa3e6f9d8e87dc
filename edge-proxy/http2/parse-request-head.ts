import { isAuthority } from "../http1/authority.ts";
import { isToken } from "../http1/field-names.ts";
import { toContentLength } from "../http1/framing-values.ts";
import { viaName } from "../l7/forwarded-fields.ts";
import type { Fields, RequestHead } from "../l7/streams.ts";
import { maxHeaderFields } from "../limits.ts";
import { addField, addPseudo, createDraft, type RequestDraft } from "./request-draft.ts";

/** What became of a header section: a request, a refusal to answer with a status, or a malformed one (RFC 9113 §8.1.1). */
export type ParsedHead =
  | { readonly kind: "request"; readonly head: RequestHead }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string }
  | { readonly kind: "malformed"; readonly reason: string };

/** Longest path, as for HTTP/1.1. */
const maxPathLength = 8192;
/** No blanks, controls or fragment. */
const pathPattern = /^[\x21\x22\x24-\x7e\x80-\xff]+$/;
/** How often our name may be in `Via` before it is a loop (RFC 9110 §7.6.3). */
const maxHops = 4;

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

function toRequest(draft: RequestDraft, endsStream: boolean): ParsedHead {
  const fault = findMethodFault(draft) ?? findTargetFault(draft) ?? findAuthorityFault(draft) ??
    findFramingFault(draft, endsStream) ?? findLimitFault(draft);
  return fault ?? { kind: "request", head: toHead(draft, endsStream) };
}

function toHead(draft: RequestDraft, endsStream: boolean): RequestHead {
  const { method = "", path = "", authority = draft.host ?? "", protocol, via, claimedFor, fields } = draft;
  return {
    version: "2",
    method,
    path,
    authority,
    fields,
    bodyLength: endsStream || protocol !== undefined ? 0 : lengthOf(draft),
    expectsContinue: draft.expect !== undefined && !endsStream,
    acceptsTrailers: true,
    upgrade: protocol?.toLowerCase(),
    via,
    claimedFor,
    claimedId: toSaneId(draft),
  };
}

function lengthOf({ contentLength }: RequestDraft): number | undefined {
  return contentLength === undefined ? undefined : toContentLength(contentLength);
}

/** What a log may quote. */
function toSaneId({ claimedId = "", hasSeveralIds }: RequestDraft): string {
  return !hasSeveralIds && /^[A-Za-z0-9._-]{1,64}$/.test(claimedId) ? claimedId : "";
}

function findMethodFault({ method, protocol }: RequestDraft): ParsedHead | undefined {
  if (method === undefined || !isToken(method)) return malformed("the method is missing or malformed");
  if (protocol !== undefined && (method !== "CONNECT" || !isToken(protocol))) {
    return malformed("the protocol is malformed, or the method is not CONNECT");
  }
  const isPlainConnect = method === "CONNECT" && protocol === undefined;
  return method === "TRACE" || isPlainConnect ? refused(405, "the method is not offered") : undefined;
}

function findTargetFault({ method, path, scheme }: RequestDraft): ParsedHead | undefined {
  if (path === undefined || !pathPattern.test(path)) return malformed("the path is missing or malformed");
  if (scheme !== "https" && scheme !== "http") return malformed("the scheme is missing or unknown");
  if (!path.startsWith("/") && (path !== "*" || method !== "OPTIONS")) return malformed("the path is malformed");
  return undefined;
}

/** H4, S11. */
function findAuthorityFault({ authority, host }: RequestDraft): ParsedHead | undefined {
  if (authority !== undefined && host !== undefined && toComparable(authority) !== toComparable(host)) {
    return malformed("the Host field differs from the authority");
  }
  const found = authority ?? host ?? "";
  if (found.includes(" ")) return malformed("the authority has a blank");
  return isAuthority(found) ? undefined : refused(400, "the authority is missing or malformed");
}

/** Lower case, without a trailing dot and the default port (RFC 9110 §4.2.3). */
function toComparable(authority: string): string {
  return authority.toLowerCase().replace(/:443$/, "").replace(/\.(?=:|$)/, "");
}

/** RFC 9113 §8.1.1: what is announced must come. */
function findFramingFault(draft: RequestDraft, endsStream: boolean): ParsedHead | undefined {
  const length = lengthOf(draft) ?? 0;
  if (length < 0 || (endsStream && length > 0)) return malformed("the Content-Length is wrong");
  if (draft.protocol === undefined) return undefined;
  if (endsStream) return malformed("the tunnel ends before it begins");
  return draft.contentLength === undefined ? undefined : malformed("a tunnel has a Content-Length");
}

function findLimitFault({ path = "", fields, expect, via }: RequestDraft): ParsedHead | undefined {
  if (path.length > maxPathLength) return refused(414, "the path is too long");
  if (fields.length > 2 * maxHeaderFields) return refused(431, "there are too many header fields");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return refused(417, "the expectation is unknown");
  }
  return isLoop(via) ? refused(508, "the request went around in a loop") : undefined;
}

/** Whether `Via` names us more often than a sound set-up would. */
function isLoop(via: string): boolean {
  if (!via.includes(viaName)) return false;
  return via.split(",").filter((hop) => hop.trim().split(/[ \t]+/)[1] === viaName).length > maxHops;
}

function malformed(reason: string): ParsedHead {
  return { kind: "malformed", reason };
}

function refused(status: number, reason: string): ParsedHead {
  return { kind: "refused", status, reason };
}
