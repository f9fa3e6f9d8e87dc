import type { Backend } from "#shared/contract/route.ts";
import { createDeadlines } from "../../l7/deadlines.ts";
import type { BackendPlace } from "../../l7/backend-place.ts";
import { createHttp2Backends, type Http2Backends, type Http2BackendsOptions } from "../http2-backends.ts";
import type { OpenBackend } from "./join-streams.ts";

/** A backend on loopback. */
export function backendAt(port: number): Backend {
  return { instance: "web-1", address: "127.0.0.1", port };
}

/** Backends that close with the test. */
export function createTestBackends(some: Partial<Http2BackendsOptions> = {}): Http2Backends & AsyncDisposable {
  const backends = createHttp2Backends({ deadlines: createDeadlines(), connectMs: 5_000, idleMs: 10_000, ...some });
  return { ...backends, [Symbol.asyncDispose]: () => Promise.resolve(backends.close()) };
}

/** Sends requests to the backend at `port`, in the clear unless `place` says otherwise. */
export function openAt(backends: Http2Backends, port: number, place: Partial<BackendPlace> = {}): OpenBackend {
  return (request, events) => backends.open({ isFresh: false, backend: backendAt(port), ...place }, request, events);
}
