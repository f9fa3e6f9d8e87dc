import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { maxHeadBytes, type ProxyLimits } from "../limits.ts";
import { answerError } from "./answer-error.ts";
import { checkRequest } from "./check-request.ts";
import { createErrorPage, toRawResponse } from "./error-page.ts";
import { addressOf, type Exchange, type L7Dependencies, type SecureConnection } from "./exchange.ts";
import { forwardRequest } from "./forward-request.ts";
import { forwardUpgrade, isWebSocketUpgrade, refuseUpgrade } from "./forward-upgrade.ts";
import { toRequestId } from "./header-fields.ts";
import { proveRoute, routeProofPath } from "./prove-route.ts";

/** The HTTP side of the proxy: takes connections whose TLS handshake is done. */
export interface HttpEdge {
  /** Serves HTTP/1.1 on `socket`, opened for `hostname` at the listener on `port`. */
  accept(socket: TLSSocket, origin: { readonly hostname: string; readonly port: number }): void;
  /** Closes connections without a request now, the others after their response. */
  drain(): void;
  /** Stops the server's timers. */
  close(): void;
}

/** An HTTP edge; never listens itself. */
export function createHttpEdge(dependencies: L7Dependencies): HttpEdge {
  const connections = new Map<Duplex, SecureConnection>();
  const server = createHttpServer(dependencies.limits);
  let draining = false;
  const withDraining = { ...dependencies, isDraining: () => draining };

  function serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = connections.get(request.socket);
    if (connection === undefined) return void request.socket.destroy();
    connection.active += 1;
    response.on("close", () => leave(request.socket, connection));
    response.on("error", () => request.socket.destroy());
    const requestId = toRequestId(request.rawHeaders, dependencies.newId);
    const checked = checkRequest(headOf(request), connection.hostname);
    if (checked.kind === "rejected") {
      logRejected({ request, requestId }, checked);
      return answerError(response, checked.status, { request, requestId, closes: true });
    }
    const clientAddress = addressOf(request.socket);
    const exchange: Exchange = { ...connection, ...checked, request, requestId, clientAddress, expectsContinue };
    const isProof = request.method === "GET" && exchange.path === routeProofPath;
    if (draining) response.shouldKeepAlive = false;
    void (isProof ? proveRoute : forwardRequest)(exchange, response, withDraining);
  }

  async function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const connection = connections.get(socket);
    if (connection === undefined) return void socket.destroy();
    const requestId = toRequestId(request.rawHeaders, dependencies.newId);
    const checked = checkRequest(headOf(request), connection.hostname);
    if (checked.kind === "rejected") {
      logRejected({ request, requestId }, checked);
      return refuseUpgrade({ request, requestId }, socket, checked.status);
    }
    if (!isWebSocketUpgrade(request) || checked.hasBody) return refuseUpgrade({ request, requestId }, socket, 501);
    connection.active += 1;
    const clientAddress = addressOf(request.socket);
    const exchange = { ...connection, ...checked, request, requestId, clientAddress, expectsContinue: false };
    await forwardUpgrade(exchange, { socket, head }, dependencies);
    connection.active -= 1;
  }

  function logRejected(
    { request, requestId }: { readonly request: IncomingMessage; readonly requestId: string },
    fault: { readonly status: number; readonly reason: string },
  ): void {
    const clientAddress = addressOf(request.socket);
    dependencies.log.info("request refused", { requestId, status: fault.status, reason: fault.reason, clientAddress });
    dependencies.metrics.request("refused", fault.status);
  }

  function leave(socket: Socket, connection: SecureConnection): void {
    connection.active -= 1;
    if (draining && connection.active === 0) socket.end();
  }

  server.on("request", (request, response) => serve(request, response, false));
  server.on("checkContinue", (request, response) => serve(request, response, true));
  server.on("upgrade", (request, socket, head) => void serveUpgrade(request, socket, head));
  server.on("connect", (request, socket) => {
    refuseUpgrade({ request, requestId: dependencies.newId() }, socket, 405);
  });
  server.on("clientError", (error, socket) => {
    const isBusy = (connections.get(socket)?.active ?? 1) > 0;
    answerClientError(error, socket, { isBusy, requestId: dependencies.newId() });
  });

  return {
    accept(socket, origin) {
      connections.set(socket, { ...origin, active: 0 });
      socket.on("close", () => connections.delete(socket));
      socket.on("error", () => socket.destroy());
      server.emit("connection", socket);
    },
    drain() {
      draining = true;
      for (const [socket, { active }] of connections) if (active === 0) socket.destroy();
    },
    close: () => void server.close(),
  };
}

function createHttpServer(limits: ProxyLimits): Server {
  const server = createServer({
    maxHeaderSize: maxHeadBytes,
    headersTimeout: limits.requestHeadMs,
    // Uploads have no total limit: the idle limit of the body is our own (LIM4).
    requestTimeout: 0,
    keepAliveTimeout: limits.clientKeepAliveMs,
    connectionsCheckingInterval: 1000,
  });
  server.maxHeadersCount = 0;
  server.timeout = 0;
  // Connections are handed over, so the server never listens by itself: "listening" starts its check of slow request heads, and
  // Deno closes each connection after one response while `listening` is false.
  Object.defineProperty(server, "listening", { value: true });
  server.emit("listening");
  return server;
}

function headOf(request: IncomingMessage): Parameters<typeof checkRequest>[0] {
  const { method = "", url: target = "", httpVersion, rawHeaders } = request;
  return { method, target, httpVersion, rawHeaders };
}

/** Status of what the parser itself refused (RFC 9110 §15.5). */
const parserStatus: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_INVALID_VERSION: 505,
};

function answerClientError(
  error: Error & { readonly code?: string },
  socket: Duplex,
  { isBusy, requestId }: { readonly isBusy: boolean; readonly requestId: string },
): void {
  // While a response is under way anything written here would land in the middle of it.
  if (isBusy || !socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const status = parserStatus[error.code ?? ""] ?? 400;
  socket.end(toRawResponse(createErrorPage(status, { requestId, accept: "" })), () => socket.destroy());
}
