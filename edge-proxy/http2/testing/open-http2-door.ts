import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { createTestAuthority } from "../../testing/test-authority.ts";
import { createDeadlines } from "../../l7/deadlines.ts";
import type { ServeStream } from "../../l7/streams.ts";
import { defaultLimits, type ProxyLimits } from "../../limits.ts";
import { createHttp2Edge, type Http2Edge } from "../http2-edge.ts";

/** An HTTP/2 edge behind a TLS listener on loopback. */
export interface Http2Door extends AsyncDisposable {
  readonly edge: Http2Edge;
  readonly port: number;
  readonly rootPem: string;
  /** Refusals so far. */
  readonly refused: { readonly status: number; readonly reason: string }[];
  /** Connections that are open on the door's side. */
  connections(): Promise<number>;
  /** A raw connection on which `h2` was agreed; closes its side when the door does, unless `allowHalfOpen`. */
  connect(options?: { readonly allowHalfOpen: boolean }): Promise<TLSSocket>;
  /** A client session. */
  session(): ClientHttp2Session;
}

/** Opens a door for `a.test` that hands requests to `serve`. */
export async function openHttp2Door(serve: ServeStream, limits: Partial<ProxyLimits> = {}): Promise<Http2Door> {
  const authority = await createTestAuthority();
  const { chainPem: cert, keyPem: key } = await authority.issue("a.test");
  const refused: { status: number; reason: string }[] = [];
  const edge = createHttp2Edge({
    serve,
    limits: { ...defaultLimits, ...limits },
    deadlines: createDeadlines(),
    onRefused: (_origin, status, reason) => void refused.push({ status, reason }),
  });
  const server = createServer({ cert, key, ALPNProtocols: ["h2"], minVersion: "TLSv1.3" }, (socket) => {
    edge.accept(socket, { hostname: "a.test", port: 443, clientAddress: "127.0.0.1" });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const tls = { host: "127.0.0.1", port, servername: "a.test", ca: authority.rootPem, ALPNProtocols: ["h2"] };
  return {
    edge,
    port,
    rootPem: authority.rootPem,
    refused,
    connections: () => promisify(server.getConnections.bind(server))(),
    async connect(options) {
      const socket = connectTls({ ...tls, ...options });
      await once(socket, "secureConnect");
      return socket;
    },
    session() {
      const session = connectHttp2("https://a.test", { createConnection: () => connectTls(tls) });
      // The door cuts what is still open when it closes.
      session.on("error", () => {});
      return session;
    },
    async [Symbol.asyncDispose]() {
      edge.close();
      server.close();
      await once(server, "close");
    },
  };
}
