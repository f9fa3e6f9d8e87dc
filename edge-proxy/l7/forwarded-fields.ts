import type { ClientOrigin, Fields, RequestHead } from "./streams.ts";

/** The name of the proxy in `Via` (RFC 9110 §7.6.3). */
export const viaName = "mc-proxy";

/** What the proxy vouches for. */
export interface ForwardedFacts {
  readonly request: RequestHead;
  readonly origin: ClientOrigin;
  /** The request's end-to-end fields, or those that replace them. */
  readonly fields: Fields;
  /** Addresses on the way to the client that are believed, the client's first, separated by `, `; without trusted proxies the peer's alone. */
  readonly forwardedFor: string;
  /** Address of the client, as far as it is believed. */
  readonly clientAddress: string;
  readonly requestId: string;
}

/** The end-to-end fields and, after them, those that tell the backend who asks (RFC 7239, RFC 9110 §7.6.3). */
export function toForwardedFields(facts: ForwardedFacts): Fields {
  const { request, origin, clientAddress } = facts;
  const via = `${request.version} ${viaName}`;
  return [
    ...facts.fields,
    "Via",
    request.via === "" ? via : `${request.via}, ${via}`,
    "X-Forwarded-For",
    facts.forwardedFor,
    "X-Forwarded-Proto",
    "https",
    "X-Forwarded-Host",
    request.authority,
    "X-Forwarded-Port",
    String(origin.port),
    "X-Real-IP",
    clientAddress,
    "Forwarded",
    `for=${
      clientAddress.includes(":") ? `"[${clientAddress}]"` : clientAddress
    };host="${request.authority}";proto=https`,
    "X-Request-Id",
    facts.requestId,
  ];
}

/** The first value of the field called `lowerName`. */
export function fieldOf(fields: Fields, lowerName: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return fields[index + 1];
  }
  return undefined;
}
