import { Buffer } from "node:buffer";
import type { Backend, Route } from "#shared/contract/route.ts";
import { connectL4 } from "../connect-l4.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Admission, L7Context } from "./context.ts";

/** Path by which the control plane proves the real way to an instance: never forwarded. */
export const routeProofPath = "/.well-known/mc-proxy/route";

/** 200 with host name and instance when the instance that would be picked accepts a connection, else 502 or 503. */
export async function proveRoute(
  route: Route,
  hostname: string,
  { load, limits, log }: Pick<L7Context, "load" | "limits" | "log">,
): Promise<Admission> {
  const backend = load.pick(route.backends);
  if (backend === undefined) return { kind: "answer", status: 503, reason: "there is no instance" };
  const leave = load.enter(backend.instance);
  try {
    await connectOnce(backend, limits.connectMs);
    return {
      kind: "answer",
      status: 200,
      reason: "route proof",
      fields: ["Content-Type", "application/json", "Cache-Control", "no-store"],
      body: Buffer.from(JSON.stringify({ hostname, instance: backend.instance })),
    };
  } catch (error) {
    log.warn("a route was not proven", { route: hostname, instance: backend.instance, error });
    return { kind: "answer", status: 502, reason: "the instance does not accept connections" };
  } finally {
    leave();
  }
}

/** Rejects when the instance does not take a connection; ends the one that it took. */
function connectOnce(backend: Backend, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  connectL4(backend, timeoutMs, (result) => {
    if (result instanceof PlatformError) return reject(result);
    result.socket.destroy();
    resolve();
  });
  return promise;
}
