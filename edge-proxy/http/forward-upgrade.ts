import type { Buffer } from "node:buffer";
import { type IncomingMessage, request, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Backend } from "#shared/contract/route.ts";
import { backendKey, routeKey } from "../routes.ts";
import { endGently } from "../end-gently.ts";
import { relay } from "../relay.ts";
import { createErrorPage, toRawResponse } from "./error-page.ts";
import type { Exchange, L7Dependencies } from "./exchange.ts";
import { toBackendFields, toClientFields, tokensOf } from "./header-fields.ts";
import { isFinalStatus } from "./send-request.ts";

/** The client's side of an upgrade: its socket, and what it sent after the head. */
export interface UpgradingClient {
  /** The socket, no longer read by the HTTP parser. */
  readonly socket: Duplex;
  /** Bytes after the head; they go to the backend after its 101. */
  readonly head: Buffer;
}

type UpgradeOutcome =
  | { readonly kind: "switched"; readonly message: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }
  | { readonly kind: "response"; readonly message: IncomingMessage }
  | { readonly kind: "failed"; readonly connected: boolean; readonly status: number; readonly error: Error };

/**
 * Forwards a WebSocket handshake (RFC 6455 §4) and, after the backend's 101, all bytes both ways, frames untouched. A backend that
 * answers otherwise is passed on and the connection closed. Resolves when the stream has ended; never rejects.
 */
export async function forwardUpgrade(
  exchange: Exchange,
  client: UpgradingClient,
  dependencies: L7Dependencies,
): Promise<void> {
  const { load, limits, metrics, log } = dependencies;
  const failed = new Set<string>();
  let status = 503;
  for (;;) {
    const route = dependencies.findRoute(exchange.port, exchange.hostname);
    const backend = route && load.pick(route.backends, failed);
    if (route === undefined || backend === undefined) break;
    const leave = load.enter(backend.instance);
    try {
      const outcome = await handshake(exchange, client, { backend, limits });
      if (outcome.kind === "switched") await relaySwitched(client, outcome, limits.streamIdleMs);
      if (outcome.kind === "response") await passOn(client, outcome.message);
      status = outcome.kind === "failed" ? outcome.status : outcome.message.statusCode ?? 101;
      const facts = { requestId: exchange.requestId, route: routeKey(route), instance: backend.instance, status };
      log.info("upgrade", outcome.kind === "failed" ? { ...facts, error: outcome.error } : facts);
      if (outcome.kind !== "failed") return metrics.request(routeKey(route), status);
      if (outcome.connected) break;
      failed.add(backendKey(backend));
    } finally {
      leave();
    }
  }
  metrics.request(exchange.hostname, status);
  refuseUpgrade(exchange, client.socket, status);
}

/** Answers an upgrade with the proxy's own page and closes. */
export function refuseUpgrade(exchange: Pick<Exchange, "request" | "requestId">, socket: Duplex, status: number): void {
  const accept = exchange.request.headers.accept ?? "";
  endGently(socket, toRawResponse(createErrorPage(status, { requestId: exchange.requestId, accept })));
}

/** Whether the request asks for the one upgrade that is offered. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  const tokens = tokensOf(request.rawHeaders, "upgrade");
  return request.method === "GET" && request.httpVersion === "1.1" && tokens.length === 1 && tokens[0] === "websocket";
}

function handshake(
  exchange: Exchange,
  client: UpgradingClient,
  { backend, limits }: { backend: Backend; limits: L7Dependencies["limits"] },
): Promise<UpgradeOutcome> {
  const { promise, resolve } = Promise.withResolvers<UpgradeOutcome>();
  const framing = ["Connection", "Upgrade", "Upgrade", "websocket"];
  const headers = toBackendFields(exchange.request.rawHeaders, { ...exchange, framing });
  const { address: host, port } = backend;
  const outgoing = request({ host, port, path: exchange.path, headers, agent: false });
  let connected = false;
  let status = 502;
  const expire = () => {
    status = 504;
    outgoing.destroy(new Error("a time limit was reached"));
  };
  let timer = setTimeout(expire, limits.connectMs);
  const onConnected = () => {
    connected = true;
    clearTimeout(timer);
    timer = setTimeout(expire, limits.responseHeadMs);
  };
  const settle = (outcome: UpgradeOutcome) => {
    clearTimeout(timer);
    client.socket.off("close", abandon);
    resolve(outcome);
  };
  const fail = (error: Error) => settle({ kind: "failed", connected, status, error });
  const abandon = () => outgoing.destroy(new Error("the client has gone"));
  client.socket.on("close", abandon);
  outgoing.on("socket", (socket) => socket.connecting ? socket.once("connect", onConnected) : onConnected());
  outgoing.on("upgrade", (message, socket, head) => settle({ kind: "switched", message, socket, head }));
  outgoing.on("response", (message) => {
    if (isFinalStatus(message.statusCode)) settle({ kind: "response", message });
    else outgoing.destroy(new Error(`the backend answered with the status ${message.statusCode}`));
  });
  outgoing.on("error", fail);
  outgoing.on("close", () => fail(new Error("the backend closed the connection without an answer")));
  outgoing.end();
  return promise;
}

async function relaySwitched(
  client: UpgradingClient,
  outcome: Extract<UpgradeOutcome, { kind: "switched" }>,
  idleMs: number,
): Promise<void> {
  client.socket.write(toHead(outcome.message, ["Connection", "Upgrade", "Upgrade", "websocket"]), "latin1");
  if (outcome.head.length > 0) client.socket.write(outcome.head);
  if (client.head.length > 0) outcome.socket.write(client.head);
  await relay(client.socket, outcome.socket, { idleMs });
}

/** Passes a refusal of the backend on, its body ended by the end of the connection (RFC 9112 §6.3). */
async function passOn(client: UpgradingClient, message: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.socket.on("close", () => {
    message.destroy();
    resolve();
  });
  client.socket.write(toHead(message, ["Connection", "close"]), "latin1");
  message.on("error", () => client.socket.destroy());
  message.on("end", () => endGently(client.socket));
  message.pipe(client.socket, { end: false });
  await promise;
}

function toHead(message: IncomingMessage, framing: readonly string[]): string {
  const status = message.statusCode ?? 502;
  const fields = [...toClientFields(message.rawHeaders), ...framing];
  const lines = [`HTTP/1.1 ${status} ${message.statusMessage ?? STATUS_CODES[status] ?? ""}`];
  for (let index = 0; index + 1 < fields.length; index += 2) lines.push(`${fields[index]}: ${fields[index + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
