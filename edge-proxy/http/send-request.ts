import { type Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Backend } from "#shared/contract/route.ts";
import type { ProxyLimits } from "../limits.ts";
import type { Deadline } from "./deadline.ts";
import type { Exchange } from "./exchange.ts";
import { toBackendFields, tokensOf, toTrailerFields } from "./header-fields.ts";

/** How a try to get a response head ended. */
export type SendOutcome =
  | { readonly kind: "response"; readonly outgoing: ClientRequest; readonly message: IncomingMessage }
  | {
    readonly kind: "failed";
    /** `connect`: nothing was sent; `stale`: a pooled connection had died, nothing of the body was sent; `final`: no retry. */
    readonly step: "connect" | "stale" | "final";
    /** Status for the client. */
    readonly status: number;
    readonly error: Error;
  };

/** What {@link sendRequest} needs. */
export interface SendOptions {
  readonly backend: Backend;
  /** The backend's pool; `false` for a connection of its own. */
  readonly agent: Agent | false;
  readonly limits: ProxyLimits;
  /** The exchange's deadline; left with no step when the outcome is known. */
  readonly deadline: Deadline;
}

/** How long to wait for a backend's 100 (Continue) before the body is sent all the same (RFC 9110 §10.1.1). */
const continueWaitMs = 1000;

/** Methods whose repetition has no further effect (RFC 9110 §9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/**
 * Sends the request to a backend; the body streams on after the response head came. Never rejects. The body is not touched
 * before the backend has accepted the connection, so that another one can be tried.
 */
export function sendRequest(exchange: Exchange, response: ServerResponse, options: SendOptions): Promise<SendOutcome> {
  const { backend, agent, limits, deadline } = options;
  const { promise, resolve } = Promise.withResolvers<SendOutcome>();
  const outgoing = openRequest(exchange, backend, agent);
  let connected = false;
  let bodySent = false;
  let expiredStatus: number | undefined;
  let settled = false;

  const expire = (status: number) => () => {
    expiredStatus = status;
    outgoing.destroy(new Error("a time limit was reached"));
  };
  const awaitHead = () => settled || deadline.set(limits.responseHeadMs, expire(504));
  const startBody = () => {
    if (response.destroyed || outgoing.destroyed) return;
    deadline.set(limits.requestBodyIdleMs, expire(408));
    pumpBody(exchange.request, outgoing, {
      onProgress() {
        bodySent = true;
        deadline.touch();
      },
      onEnd: awaitHead,
    });
  };
  const onConnected = () => {
    connected = true;
    awaitHead();
    if (exchange.expectsContinue) awaitContinue(outgoing, response, startBody);
    else if (exchange.hasBody) startBody();
  };
  const settle = (outcome: SendOutcome) => {
    if (settled) return;
    settled = true;
    deadline.clear();
    resolve(outcome);
  };
  const fail = (error: Error) => {
    const isStale = outgoing.reusedSocket && !bodySent && idempotent.has(exchange.request.method ?? "");
    const retryStep = isStale && expiredStatus === undefined ? "stale" : "final";
    const step = connected ? retryStep : "connect";
    settle({ kind: "failed", step, status: expiredStatus ?? 502, error });
  };

  deadline.set(limits.connectMs, expire(504));
  outgoing.on("socket", (socket) => socket.connecting ? socket.once("connect", onConnected) : onConnected());
  outgoing.on("information", (information) => forwardInformation(information, response));
  outgoing.on("response", (message) => {
    if (isFinalStatus(message.statusCode)) settle({ kind: "response", outgoing, message });
    else outgoing.destroy(new Error(`the backend answered with the status ${message.statusCode}`));
  });
  outgoing.on("error", fail);
  outgoing.on("close", () => fail(new Error("the backend closed the connection without an answer")));
  response.once("close", () => response.writableFinished || outgoing.destroy());
  if (exchange.expectsContinue) outgoing.flushHeaders();
  else if (!exchange.hasBody) outgoing.end();
  return promise;
}

function openRequest(exchange: Exchange, backend: Backend, agent: Agent | false): ClientRequest {
  const { request: { method = "GET", rawHeaders }, path } = exchange;
  const headers = toBackendFields(rawHeaders, { ...exchange, framing: framingOf(exchange) });
  return request({ host: backend.address, port: backend.port, method, path, headers, agent });
}

/** The framing that we write ourselves (RFC 9112 §6), decided by the checked framing of the client. */
function framingOf(exchange: Exchange): string[] {
  const { rawHeaders, headers } = exchange.request;
  const fields: string[] = [];
  if (headers["transfer-encoding"] !== undefined) fields.push("Transfer-Encoding", "chunked");
  else if (headers["content-length"] !== undefined) fields.push("Content-Length", headers["content-length"]);
  else if (["POST", "PUT", "PATCH"].includes(exchange.request.method ?? "")) fields.push("Content-Length", "0");
  if (tokensOf(rawHeaders, "te").includes("trailers")) fields.push("TE", "trailers");
  if (exchange.expectsContinue) fields.push("Expect", "100-continue");
  return fields;
}

function awaitContinue(outgoing: ClientRequest, response: ServerResponse, startBody: () => void): void {
  let started = false;
  const start = () => {
    clearTimeout(timer);
    if (started || response.headersSent || response.destroyed) return;
    started = true;
    response.writeContinue();
    startBody();
  };
  const timer = setTimeout(start, continueWaitMs);
  outgoing.once("continue", start);
  outgoing.once("response", () => {
    started = true;
    clearTimeout(timer);
  });
  outgoing.once("close", () => clearTimeout(timer));
}

/** Moves the body and its trailers to the backend. Stops by itself when `outgoing` has closed. */
function pumpBody(
  request: IncomingMessage,
  outgoing: ClientRequest,
  hooks: { readonly onProgress: () => void; readonly onEnd: () => void },
): void {
  const onData = (chunk: Uint8Array) => {
    hooks.onProgress();
    if (!outgoing.write(chunk)) request.pause();
  };
  const onDrain = () => {
    hooks.onProgress();
    request.resume();
  };
  const onEnd = () => {
    const trailers = toTrailerFields(request.rawTrailers);
    if (trailers.length > 0) outgoing.addTrailers(trailers);
    outgoing.end();
    hooks.onEnd();
  };
  request.on("data", onData).on("end", onEnd);
  outgoing.on("drain", onDrain);
  outgoing.once("close", () => {
    request.off("data", onData).off("end", onEnd);
    // What is left of the body is read and dropped, so that the next request on the connection starts at the right byte.
    request.resume();
  });
}

/** Says whether a status ends an exchange (RFC 9110 §15): node's parser lets `099` through, which nothing can be answered with. */
export function isFinalStatus(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status <= 999;
}

/** Passes 102 and 103 on (RFC 9110 §15.2, RFC 8297); 100 answers our own Expect. */
function forwardInformation(
  information: { readonly statusCode: number; readonly rawHeaders: readonly string[] },
  response: ServerResponse,
): void {
  if (response.headersSent || response.req.httpVersion !== "1.1") return;
  if (information.statusCode === 102) response.writeProcessing();
  if (information.statusCode !== 103) return;
  const links = information.rawHeaders.filter((_, index, all) => all[index - 1]?.toLowerCase() === "link" && index % 2);
  if (links.length === 0) return;
  try {
    response.writeEarlyHints({ link: links });
  } catch {
    return; // node refuses links that it cannot read: the final response does not depend on a hint
  }
}
