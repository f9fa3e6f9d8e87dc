import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import type { Context } from "hono";

const requestIds = new WeakMap<Request, string>();

/** Pattern of request ids that are taken over from a caller. */
const saneRequestId = /^[A-Za-z0-9._-]{8,64}$/;

/** The id that follows a request through proxy, handlers and agent: the caller's `X-Request-Id` when sane, else a new one. */
export function requestIdOf(request: Request): string {
  const known = requestIds.get(request);
  if (known !== undefined) return known;
  const offered = request.headers.get("x-request-id");
  const id = offered !== null && saneRequestId.test(offered) ? offered : randomUUID();
  requestIds.set(request, id);
  return id;
}

/**
 * The address of the client: the peer's, or, when the peer is this machine (mc-proxy), what mc-proxy wrote to `X-Real-IP`.
 * mc-proxy discards inbound values of that field. Programs on this machine, and containers on its own network, are believed too:
 * what rests on the address alone, such as counting wrong passwords for a network, is no hindrance to them.
 */
export function clientIpOf(context: Context): string {
  const peer = peerAddress(context);
  const isLocal = peer === "" || peer.startsWith("127.") || peer === "::1" || peer.startsWith("::ffff:127.");
  const claimed = isLocal ? context.req.header("x-real-ip") : undefined;
  return claimed !== undefined && isIP(claimed) !== 0 ? claimed : peer;
}

function peerAddress(context: Context): string {
  const incoming: unknown = context.env?.incoming;
  if (typeof incoming !== "object" || incoming === null || !("socket" in incoming)) return "";
  const socket = incoming.socket;
  if (typeof socket !== "object" || socket === null || !("remoteAddress" in socket)) return "";
  return typeof socket.remoteAddress === "string" ? socket.remoteAddress : "";
}
