import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { answerError } from "./answer-error.ts";
import { answerParserError, createHttpServer } from "./http-server.ts";
import type { Exchange, L7Dependencies } from "./exchange.ts";
import { forwardRequest } from "./forward-request.ts";
import { forwardUpgrade, isWebSocketUpgrade, refuseUpgrade, type UpgradingClient } from "./forward-upgrade.ts";
import { toRequestId } from "./header-fields.ts";
import { proveRoute, routeProofPath } from "./prove-route.ts";
import {
  checkOn,
  type ConnectionOrigin,
  createSecureConnections,
  type SecureConnection,
  type SecureConnections,
} from "./secure-connection.ts";

/** The HTTP side of the proxy: takes connections whose TLS handshake is done. */
export interface HttpEdge {
  /** Serves HTTP/1.1 on a connection. */
  accept(socket: TLSSocket, origin: ConnectionOrigin): void;
  /** Closes connections without a request now, the others after their response. */
  drain(): void;
  /** Stops the server's timers. */
  close(): void;
}

/** What requests on all connections share. */
interface EdgeContext extends L7Dependencies {
  readonly connections: SecureConnections;
  readonly isDraining: () => boolean;
}

/** How a request's `Expect` was read by node's parser. */
type Expectation = "none" | "continue" | "unknown";

/** An HTTP edge; never listens itself. */
export function createHttpEdge(dependencies: L7Dependencies): HttpEdge {
  const connections = createSecureConnections();
  const server = createHttpServer(dependencies.limits);
  let draining = false;
  const context: EdgeContext = { ...dependencies, connections, isDraining: () => draining };

  server.on("request", (request, response) => serve({ request, response, expectation: "none" }, context));
  server.on("checkContinue", (request, response) => serve({ request, response, expectation: "continue" }, context));
  server.on("checkExpectation", (request, response) => serve({ request, response, expectation: "unknown" }, context));
  server.on("upgrade", (request, socket, head) => {
    serveUpgrade(request, { socket, head }, context).catch((error: unknown) => {
      context.log.error("an upgrade failed unexpectedly", { error });
      socket.destroy();
    });
  });
  server.on("connect", (request, socket) => refuseUpgrade({ request, requestId: context.newId() }, socket, 405));
  server.on("clientError", (error, socket) => answerParserError(error, connections.find(socket), context.newId()));

  return {
    accept(socket, origin) {
      connections.add(socket, origin);
      server.emit("connection", socket);
    },
    drain() {
      draining = true;
      connections.closeIdle();
    },
    close: () => void server.close(),
  };
}

function serve(
  { request, response, expectation }: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly expectation: Expectation;
  },
  context: EdgeContext,
): void {
  const connection = context.connections.find(request.socket);
  if (connection === undefined) return void request.socket.destroy();
  if (connection.isLast) return;
  enter(connection, response, context);
  const requestId = toRequestId(request.rawHeaders, context.newId);
  const checked = checkOn(connection, request);
  if (checked.kind === "rejected" || expectation === "unknown") {
    connection.isLast = true;
    const fault = checked.kind === "rejected" ? checked : { status: 417, reason: "the expectation is unknown" };
    noteRefused(connection, { requestId, ...fault }, context);
    return answerError(response, fault.status, { request, requestId, closes: true });
  }
  const expectsContinue = expectation === "continue";
  const exchange: Exchange = { ...connection, ...checked, request, requestId, expectsContinue };
  const isProof = request.method === "GET" && exchange.path === routeProofPath;
  // A fault of ours, or of a backend that nobody has thought of, costs one exchange and never the process.
  (isProof ? proveRoute : forwardRequest)(exchange, response, context).catch((error: unknown) => {
    context.log.error("a request failed unexpectedly", { requestId, hostname: connection.hostname, error });
    response.destroy();
  });
}

function enter(connection: SecureConnection, response: ServerResponse, context: EdgeContext): void {
  if (context.isDraining()) response.shouldKeepAlive = false;
  connection.active += 1;
  connection.response = response;
  connection.isLast = !response.shouldKeepAlive;
  response.on("error", () => connection.socket.destroy());
  response.on("close", () => {
    connection.active -= 1;
    if (context.isDraining() && connection.active === 0) connection.socket.end();
  });
}

async function serveUpgrade(request: IncomingMessage, client: UpgradingClient, context: EdgeContext): Promise<void> {
  const { socket } = client;
  const connection = context.connections.find(socket);
  if (connection === undefined || connection.isLast || connection.active > 0) return void socket.destroy();
  connection.isLast = true;
  const requestId = toRequestId(request.rawHeaders, context.newId);
  const checked = checkOn(connection, request);
  if (checked.kind === "rejected" || !isWebSocketUpgrade(request) || checked.hasBody) {
    const fault = checked.kind === "rejected" ? checked : { status: 501, reason: "the upgrade is not offered" };
    noteRefused(connection, { requestId, ...fault }, context);
    return refuseUpgrade({ request, requestId }, socket, fault.status);
  }
  connection.active += 1;
  const exchange: Exchange = { ...connection, ...checked, request, requestId, expectsContinue: false };
  await forwardUpgrade(exchange, client, context);
  connection.active -= 1;
}

function noteRefused(
  { clientAddress, hostname }: SecureConnection,
  { requestId, status, reason }: { readonly requestId: string; readonly status: number; readonly reason: string },
  { log, metrics }: EdgeContext,
): void {
  log.info("request refused", { requestId, hostname, status, reason, clientAddress });
  metrics.request("refused", status);
}
