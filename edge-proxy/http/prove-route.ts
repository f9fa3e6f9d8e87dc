import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import { connectBackend } from "../connect-backend.ts";
import { answerError } from "./answer-error.ts";
import type { Exchange, L7Dependencies } from "./exchange.ts";

/** Path by which the control plane proves the real way to an instance: never forwarded. */
export const routeProofPath = "/.well-known/mc-proxy/route";

/** Answers 200 with host name and instance when the instance that would be picked accepts a connection, else 502 or 503. */
export async function proveRoute(
  exchange: Exchange,
  response: ServerResponse,
  dependencies: Pick<L7Dependencies, "findRoute" | "load" | "limits" | "log">,
): Promise<void> {
  const { load, limits, log } = dependencies;
  const route = dependencies.findRoute(exchange.port, exchange.hostname);
  const backend = route && load.pick(route.backends);
  if (backend === undefined) return answerError(response, 503, { ...exchange, closes: false });
  const leave = load.enter(backend.instance);
  try {
    const socket = await connectBackend(backend, limits.connectMs);
    socket.destroy();
    const body = Buffer.from(JSON.stringify({ hostname: exchange.hostname, instance: backend.instance }));
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": body.length,
      "cache-control": "no-store",
    });
    response.end(body);
  } catch (error) {
    log.warn("a route was not proven", { requestId: exchange.requestId, instance: backend.instance, error });
    answerError(response, 502, { ...exchange, closes: false });
  } finally {
    leave();
  }
}
