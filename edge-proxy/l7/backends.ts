import type { BackendProtocol } from "#shared/contract/route.ts";
import { createHttp1Backends } from "../http1/backend-pool.ts";
import { createHttp2Backends } from "../http2/http2-backends.ts";
import type { Backends } from "./context.ts";
import type { Deadlines } from "./deadlines.ts";

/** What {@link createBackends} needs. */
export interface BackendsOptions {
  readonly deadlines: Deadlines;
  /** Until an instance has opened an HTTP/2 connection. */
  readonly connectMs: number;
  /** How long an idle connection is kept. */
  readonly idleMs: number;
  /** PEM of the roots that instances' certificates must lead to. */
  readonly rootsPem: () => string | undefined;
}

/** The way to the instances of all routes, each in the protocol that its route names. */
export function createBackends(options: BackendsOptions): Backends & { close(): void } {
  const http1 = createHttp1Backends(options);
  const http2 = createHttp2Backends(options);
  return {
    open({ route, backend, isFresh }, request, events) {
      const protocol: BackendProtocol = route.backendProtocol ?? "http";
      const tls = protocol === "https" || protocol === "h2"
        ? { serverName: route.backendServerName ?? route.hostname, rootsPem: options.rootsPem() ?? "" }
        : undefined;
      const backends = protocol === "h2" || protocol === "h2c" ? http2 : http1;
      return backends.open({ backend, tls, isFresh }, request, events);
    },
    close() {
      http1.close();
      http2.close();
    },
  };
}
