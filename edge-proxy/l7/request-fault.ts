import type { L7Context } from "./context.ts";
import type { ClientStream } from "./streams.ts";
import { findUpgradeFault } from "./websocket.ts";

/** Why a request goes nowhere, whatever its route. */
export interface RequestFault {
  readonly status: number;
  readonly reason: string;
}

/** What is wrong with a request that its parser let through: another host than the connection's (H5), or an upgrade that is not offered. */
export function findRequestFault(
  client: ClientStream,
  context: Pick<L7Context, "findRoute">,
): RequestFault | undefined {
  const { request } = client;
  if (!isFor(request.authority, client, context)) {
    return { status: 421, reason: "the Host is not the name that the connection was opened for" };
  }
  return request.upgrade === undefined ? undefined : findUpgradeFault(request);
}

function isFor(authority: string, client: ClientStream, context: Pick<L7Context, "findRoute">): boolean {
  const { hostname } = client.origin;
  if (authority === hostname) return true;
  const name = toName(authority);
  return name === hostname || shareRoute(name, client, context);
}

/** Whether one route, that of a wildcard, has both names: then it makes no difference which one TLS was opened for. */
function shareRoute(name: string, { origin }: ClientStream, { findRoute }: Pick<L7Context, "findRoute">): boolean {
  const route = findRoute(origin.port, origin.hostname);
  return route !== undefined && route.hostname.startsWith("*.") && findRoute(origin.port, name) === route;
}

/** The name in a `host[:port]` (RFC 9110 §7.2): lower case, without port and final dot. */
function toName(authority: string): string {
  const colon = authority.lastIndexOf(":");
  const host = colon > 0 && !authority.endsWith("]") ? authority.slice(0, colon) : authority;
  return (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
}
