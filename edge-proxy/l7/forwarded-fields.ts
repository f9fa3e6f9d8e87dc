import type { BelievedClient } from "./context.ts";
import type { ClientOrigin, Fields, RequestHead } from "./streams.ts";

/** The name of the proxy in `Via` (RFC 9110 §7.6.3). */
export const viaName = "mc-proxy";

/** What the proxy vouches for. */
export interface ForwardedFacts {
  readonly request: RequestHead;
  readonly origin: ClientOrigin;
  /** The request's end-to-end fields, or those that replace them. */
  readonly fields: Fields;
  /** Who asks. */
  readonly believed: BelievedClient;
  readonly requestId: string;
}

/** The end-to-end fields and, after them, those that tell the backend who asks (RFC 7239, RFC 9110 §7.6.3). */
export function toForwardedFields({ request, origin, fields, believed, requestId }: ForwardedFacts): Fields {
  const { clientAddress, forwardedFor } = believed;
  const { authority } = request;
  const via = `${request.version} ${viaName}`;
  const node = clientAddress.includes(":") ? `"[${clientAddress}]"` : clientAddress;
  const all = fields.slice();
  all.push(
    "Via",
    request.via === "" ? via : `${request.via}, ${via}`,
    "X-Forwarded-For",
    forwardedFor,
    "X-Forwarded-Proto",
    "https",
    "X-Forwarded-Host",
    authority,
    "X-Forwarded-Port",
    String(origin.port),
    "X-Real-IP",
    clientAddress,
    "Forwarded",
    `for=${node};host="${authority}";proto=https`,
    "X-Request-Id",
    requestId,
  );
  return all;
}

/** The first value of the field called `lowerName`. */
export function fieldOf(fields: Fields, lowerName: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return fields[index + 1];
  }
  return undefined;
}
