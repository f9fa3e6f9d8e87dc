import type { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { answerError } from "./answer-error.ts";
import { answerParserError, createHttpServer } from "./http-server.ts";
import type { Exchange, L7Dependencies } from "./exchange.ts";
import { forwardRequest } from "./forward-request.ts";
import { forwardUpgrade, isWebSocketUpgrade, refuseUpgrade } from "./forward-upgrade.ts";
import { toRequestId } from "./header-fields.ts";
import { proveRoute, routeProofPath } from "./prove-route.ts";
import { checkOn, type ConnectionOrigin, createSecureConnections, type SecureConnection } from "./secure-connection.ts";

/** The HTTP side of the proxy: takes connections whose TLS handshake is done. */
export interface HttpEdge {
  /** Serves HTTP/1.1 on a connection. */
  accept(socket: TLSSocket, origin: ConnectionOrigin): void;
  /** Closes connections without a request now, the others after their response. */
  drain(): void;
  /** Stops the server's timers. */
  close(): void;
}

/** An HTTP edge; never listens itself. */
export function createHttpEdge(dependencies: L7Dependencies): HttpEdge {
  const connections = createSecureConnections();
  const server = createHttpServer(dependencies.limits);
  const state = { isDraining: false };

  server.on("request", (request, response) => serve(request, response, "none"));
  server.on("checkContinue", (request, response) => serve(request, response, "continue"));
  server.on("checkExpectation", (request, response) => serve(request, response, "unknown"));
  server.on("upgrade", (request, socket, head) => void serveUpgrade(request, socket, head));
  server.on("connect", (request, socket) => {
    refuseUpgrade({ request, requestId: dependencies.newId() }, socket, 405);
  });
  server.on("clientError", (error, socket) => answerParserError(error, connections.find(socket), dependencies.newId()));

  function serve(
    request: IncomingMessage,
    response: ServerResponse,
    expectation: "none" | "continue" | "unknown",
  ): void {
    const connection = connections.find(request.socket);
    if (connection === undefined) return void request.socket.destroy();
    if (connection.isLast) return;
    enter(connection, response);
    const requestId = toRequestId(request.rawHeaders, dependencies.newId);
    const checked = checkOn(connection, request);
    if (checked.kind === "rejected" || expectation === "unknown") {
      connection.isLast = true;
      const fault = checked.kind === "rejected" ? checked : { status: 417, reason: "the expectation is unknown" };
      logRefused(connection, requestId, fault);
      return answerError(response, fault.status, { request, requestId, closes: true });
    }
    const expectsContinue = expectation === "continue";
    const exchange: Exchange = { ...connection, ...checked, request, requestId, expectsContinue };
    const isProof = request.method === "GET" && exchange.path === routeProofPath;
    void (isProof ? proveRoute : forwardRequest)(exchange, response, {
      ...dependencies,
      isDraining: () => state.isDraining,
    });
  }

  function enter(connection: SecureConnection, response: ServerResponse): void {
    if (state.isDraining) response.shouldKeepAlive = false;
    connection.active += 1;
    connection.response = response;
    connection.isLast = !response.shouldKeepAlive;
    response.on("error", () => connection.socket.destroy());
    response.on("close", () => {
      connection.active -= 1;
      if (state.isDraining && connection.active === 0) connection.socket.end();
    });
  }

  async function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const connection = connections.find(socket);
    if (connection === undefined || connection.isLast || connection.active > 0) return void socket.destroy();
    connection.isLast = true;
    const requestId = toRequestId(request.rawHeaders, dependencies.newId);
    const checked = checkOn(connection, request);
    if (checked.kind === "rejected" || !isWebSocketUpgrade(request) || checked.hasBody) {
      const fault = checked.kind === "rejected" ? checked : { status: 501, reason: "the upgrade is not offered" };
      logRefused(connection, requestId, fault);
      return refuseUpgrade({ request, requestId }, socket, fault.status);
    }
    connection.active += 1;
    const exchange: Exchange = { ...connection, ...checked, request, requestId, expectsContinue: false };
    await forwardUpgrade(exchange, { socket, head }, dependencies);
    connection.active -= 1;
  }

  function logRefused(
    { clientAddress, hostname }: SecureConnection,
    requestId: string,
    { status, reason }: { readonly status: number; readonly reason: string },
  ): void {
    dependencies.log.info("request refused", { requestId, hostname, status, reason, clientAddress });
    dependencies.metrics.request("refused", status);
  }

  return {
    accept(socket, origin) {
      connections.add(socket, origin);
      server.emit("connection", socket);
    },
    drain() {
      state.isDraining = true;
      connections.closeIdle();
    },
    close: () => void server.close(),
  };
}
