import type { Operation } from "./operation.ts";

/** Where tokens are fetched and how a client got here. */
export interface Origin {
  /** Value of `X-Forwarded-Proto`, if any. */
  readonly forwardedProto: string | undefined;
  /** Value of `Host`. */
  readonly host: string | undefined;
  /** What the request's own URL says, used when the fields above are not sane. */
  readonly fallback: URL;
}

/** The origin under which the client reached the registry, such as `https://mcr.svc.example.net:8443`. */
export function originOf(origin: Origin): string {
  const scheme = origin.forwardedProto === "https" ? "https" : "http";
  // The value ends up in a quoted string of a response field.
  const host = origin.host !== undefined && /^[A-Za-z0-9.:[\]-]{1,262}$/.test(origin.host)
    ? origin.host
    : origin.fallback.host;
  return `${scheme}://${host}`;
}

/** The `WWW-Authenticate` field that sends clients to the token endpoint (distribution's token specification, RFC 6750 §3). */
export function bearerChallenge(origin: string, scope: string | undefined, hasToken: boolean): string {
  const parts = [`realm="${origin}/v2/token"`, `service="mcr"`];
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  if (hasToken) parts.push(`error="invalid_token"`);
  return `Bearer ${parts.join(",")}`;
}

/** The scope that a client should ask for to do an operation, or `undefined` where it is about no repository. */
export function scopeOf(operation: Operation): string | undefined {
  if (operation.name === "list-catalog") return "registry:catalog:*";
  // The name is not checked when a stranger asks: it must not break out of the quoted string.
  if (operation.repository === "" || !/^[a-z0-9._/-]{1,200}$/.test(operation.repository)) return undefined;
  return `repository:${operation.repository}:${scopeActions(operation.name)}`;
}

function scopeActions(name: Operation["name"]): string {
  if (name.startsWith("delete-")) return "delete";
  return name.endsWith("-upload") || name === "put-manifest" ? "pull,push" : "pull";
}
