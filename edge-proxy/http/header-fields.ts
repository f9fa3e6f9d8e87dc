import { isIPv6 } from "node:net";
import { valuesOf, viaName } from "./check-request.ts";

/** Fields that end at each hop (RFC 9110 §7.6.1), besides those that `Connection` names. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "proxy-authenticate",
  "proxy-authorization",
]);

/** Fields that only we may write towards a backend, in the spelling after `_` became `-`: some backends read both the same. */
const ours = new Set(["host", "forwarded", "x-real-ip", "x-request-id", "expect", "content-length"]);

/** Fields that must not come in a trailer (RFC 9110 §6.5.1): framing, routing, authentication, state. */
const notInTrailers =
  /^(content-(length|encoding|type|range)|host|te|authorization|www-authenticate|set-cookie|cookie|expect|range|cache-control|max-forwards|location|forwarded|x-forwarded-.*|x-real-ip|x-request-id)$/;

/** What the proxy tells a backend about a request. */
export interface ForwardedFacts {
  /** Host to forward, with its port as sent. */
  readonly host: string;
  /** Verified address of the client. */
  readonly clientAddress: string;
  /** Port that the client connected to. */
  readonly port: number;
  /** Id that the logs carry. */
  readonly requestId: string;
  /** Framing and hop fields that we write ourselves, names and values in turn. */
  readonly framing: readonly string[];
}

/** The header fields for the backend, names and values in turn: the client's without what ends here, then ours. */
export function toBackendFields(rawHeaders: readonly string[], facts: ForwardedFacts): string[] {
  const fields = endToEnd(rawHeaders).filter(([name]) => !isOurs(name)).flat();
  const quoted = isIPv6(facts.clientAddress) ? `"[${facts.clientAddress}]"` : facts.clientAddress;
  return [
    "Host",
    facts.host,
    ...fields,
    ...facts.framing,
    "Via",
    `1.1 ${viaName}`,
    "X-Forwarded-For",
    facts.clientAddress,
    "X-Forwarded-Proto",
    "https",
    "X-Forwarded-Host",
    facts.host,
    "X-Forwarded-Port",
    String(facts.port),
    "X-Real-IP",
    facts.clientAddress,
    "Forwarded",
    `for=${quoted};host="${facts.host}";proto=https`,
    "X-Request-Id",
    facts.requestId,
  ];
}

/** The header fields for the client, names and values in turn: the backend's without what ends here. */
export function toClientFields(rawHeaders: readonly string[]): string[] {
  return endToEnd(rawHeaders).flat();
}

/** The trailer fields that may be forwarded, as pairs. */
export function toTrailerFields(rawTrailers: readonly string[]): [string, string][] {
  return endToEnd(rawTrailers).filter(([name]) => !notInTrailers.test(name.toLowerCase().replaceAll("_", "-")));
}

/** Tokens of the comma-separated field `name`, in lower case. */
export function tokensOf(rawHeaders: readonly string[], name: string): string[] {
  const tokens = valuesOf(rawHeaders, name).join(",").split(",").map((token) => token.trim().toLowerCase());
  return tokens.filter((token) => token !== "");
}

/** The client's `X-Request-Id` when it is one sane word, else a new one from `newId`. */
export function toRequestId(rawHeaders: readonly string[], newId: () => string): string {
  const [id, ...others] = valuesOf(rawHeaders, "x-request-id");
  return id !== undefined && others.length === 0 && /^[A-Za-z0-9._-]{1,64}$/.test(id) ? id : newId();
}

function endToEnd(rawHeaders: readonly string[]): [string, string][] {
  const named = new Set(tokensOf(rawHeaders, "connection"));
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    // A response's Content-Length is end-to-end even if somebody names it in Connection: without it framing would change.
    if (hopByHop.has(lower) || (named.has(lower) && lower !== "content-length")) continue;
    fields.push([name, rawHeaders[index + 1] ?? ""]);
  }
  return fields;
}

function isOurs(name: string): boolean {
  const plain = name.toLowerCase().replaceAll("_", "-");
  return ours.has(plain) || plain.startsWith("x-forwarded-");
}
