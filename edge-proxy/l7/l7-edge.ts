import type { TLSSocket } from "node:tls";
import { createHttp1Edge } from "../http1/http1-edge.ts";
import { createHttp2Edge } from "../http2/http2-edge.ts";
import type { L7Context } from "./context.ts";
import { Exchange } from "./exchange.ts";
import type { ClientOrigin, ClientStream, ClientStreamEvents } from "./streams.ts";

/** The HTTP side of the proxy: takes connections whose TLS handshake is done. */
export interface L7Edge {
  /** Serves a connection in the protocol that TLS agreed on (RFC 7301). */
  accept(socket: TLSSocket, origin: ClientOrigin): void;
  /** Closes connections without a request now, the others after their response. */
  drain(): void;
  /** Routes have gone: their tunnels may go on for the drain time (W2). */
  routesGone(): void;
  /** Ends all tunnels: the time to drain is over. */
  closeTunnels(): void;
}

/** An L7 edge; never listens itself. */
export function createL7Edge(context: L7Context): L7Edge {
  const { limits, deadlines } = context;
  const tunnels = new Set<Exchange>();
  const shared = { ...context, tunnels };
  const http = {
    serve,
    limits,
    deadlines,
    onRefused(origin: ClientOrigin, status: number, reason: string): string {
      const requestId = context.newId();
      context.counter("refused").request(status, 0, undefined);
      if (context.accessLog !== "off") {
        const { hostname, clientAddress } = origin;
        context.log.info("request refused", { requestId, hostname, status, reason, clientAddress });
      }
      return requestId;
    },
  };
  const http1 = createHttp1Edge(http);
  const http2 = createHttp2Edge(http);

  function serve(stream: ClientStream): ClientStreamEvents {
    const exchange = new Exchange(stream, shared);
    exchange.start();
    return exchange;
  }

  return {
    accept: (socket, origin) => (socket.alpnProtocol === "h2" ? http2 : http1).accept(socket, origin),
    drain() {
      http1.drain();
      http2.drain();
    },
    routesGone() {
      if (tunnels.size === 0) return;
      setTimeout(() => {
        for (const tunnel of tunnels) if (!tunnel.isRouted) tunnel.goAway();
      }, limits.drainMs).unref();
    },
    closeTunnels() {
      for (const tunnel of tunnels) tunnel.goAway();
    },
  };
}
