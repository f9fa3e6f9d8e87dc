import { createServer, type Server } from "node:http";
import { maxHeadBytes, type ProxyLimits } from "../limits.ts";
import { endGently } from "../end-gently.ts";
import { createErrorPage, toRawResponse } from "./error-page.ts";
import type { SecureConnection } from "./secure-connection.ts";

/** An HTTP/1.1 server that is given its connections with `emit("connection")` and never listens. */
export function createHttpServer(limits: Pick<ProxyLimits, "requestHeadMs" | "clientKeepAliveMs">): Server {
  const server = createServer({
    maxHeaderSize: maxHeadBytes,
    // Ours checks it: node answers 400 by itself and then goes on with the next request on the connection.
    requireHostHeader: false,
    headersTimeout: limits.requestHeadMs,
    // Uploads have no total limit: the idle limit of the body is our own.
    requestTimeout: 0,
    keepAliveTimeout: limits.clientKeepAliveMs,
    connectionsCheckingInterval: Math.min(1000, limits.requestHeadMs),
  });
  server.maxHeadersCount = 0;
  server.timeout = 0;
  // "listening" starts the check of slow request heads; Deno closes each connection after one response while the property is false.
  Object.defineProperty(server, "listening", { value: true });
  server.emit("listening");
  return server;
}

/** Status of what node's parser itself refuses (RFC 9110 §15.5). */
const parserStatus: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_INVALID_VERSION: 505,
};

/** Ends a connection on which the parser stopped, with an answer unless it would land in the middle of another one. */
export function answerParserError(
  error: Error & { readonly code?: string },
  connection: SecureConnection | undefined,
  requestId: string,
): void {
  if (connection === undefined) return;
  const { socket, active, response } = connection;
  connection.isLast = true;
  // The answer is complete, such as a refusal of the request whose body does not parse: it must still arrive.
  if (active === 1 && response?.writableEnded) return endGently(socket);
  if (!canAnswer(connection) || error.code === "ECONNRESET") return void socket.destroy();
  const status = parserStatus[error.code ?? ""] ?? 400;
  endGently(socket, toRawResponse(createErrorPage(status, { requestId, accept: "" })));
}

function canAnswer({ socket, active, response }: SecureConnection): boolean {
  const isFree = active === 0 || (active === 1 && response?.headersSent === false);
  return isFree && socket.writable;
}
