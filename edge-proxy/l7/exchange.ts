import { Buffer } from "node:buffer";
import type { Backend, Route } from "#shared/contract/route.ts";
import { backendKey, routeKey } from "../routes.ts";
import { answerError } from "./answer-error.ts";
import type { Admission, BelievedClient, L7Context } from "./context.ts";
import type { Timed } from "./deadlines.ts";
import { buildBackendRequest } from "./backend-request.ts";
import { isGrpc, timeoutOfCall } from "./grpc-status.ts";
import { headBytesOf, isEventStream } from "./message-facts.ts";
import { isForProxy, withOneHopLess } from "./max-forwards.ts";
import { noteEnding } from "./note-ending.ts";
import { proveRoute, routeProofPath } from "./prove-route.ts";
import { findRequestFault } from "./request-fault.ts";
import {
  type BackendFailure,
  type BackendRequest,
  type BackendStream,
  type BackendStreamEvents,
  type ClientStream,
  type ClientStreamEvents,
  type Fields,
  resetCodes,
  type ResponseHead,
} from "./streams.ts";
import { toTunnelHead } from "./websocket.ts";
import { clientGoodbye, FrameBorders, serverGoodbye } from "./websocket-frames.ts";

/** What exchanges share. */
export interface ExchangeContext extends L7Context {
  /** Those that are tunnels now. */
  readonly tunnels: Set<Exchange>;
}

/** What an exchange waits for: decides what its deadline means. */
type Phase = "admission" | "connect" | "continue" | "upload" | "head" | "body" | "tunnel" | "done";

/** How long to wait for a backend's 100 (Continue) before the body is sent all the same (RFC 9110 §10.1.1). */
const continueWaitMs = 1000;
/** Methods whose repetition has no further effect (RFC 9110 §9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** The proxy's own answer to an OPTIONS that may go no further. */
const ownOptions = {
  status: 200,
  reason: "the request may go no further",
  fields: ["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
  body: Buffer.alloc(0),
};
/** Status in logs and counters when the client left before it was answered. */
const clientGone = 499;

/**
 * One request on its way through the proxy: judged, sent to an instance of its route as the table is at each try, its body and response
 * streamed. An instance that refuses the connection is passed over for the next; a kept connection that had died is replaced once
 * (RFC 9110 §9.2.2).
 */
export class Exchange implements ClientStreamEvents, BackendStreamEvents, Timed {
  deadlineAt = Infinity;
  readonly #client: ClientStream;
  readonly #context: ExchangeContext;
  readonly #startedAt: number;
  readonly #requestId: string;
  #phase: Phase = "admission";
  #totalAt = Infinity;
  #route: Route | undefined;
  #backend: Backend | undefined;
  #upstream: BackendStream | undefined;
  #request: BackendRequest | undefined;
  #clientAddress: string;
  #leave: (() => void) | undefined;
  #abort: AbortController | undefined;
  #failed: Set<string> | undefined;
  #last: BackendFailure | undefined;
  #isFresh = false;
  #isConnected = false;
  #bodySent = false;
  #requestEnded: boolean;
  #responseEnded = false;
  #headSent = false;
  #ttfbMs: number | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #status = 0;
  #limitMs = Infinity;
  #tunnel: { readonly fromClient: FrameBorders; readonly fromBackend: FrameBorders } | undefined;

  constructor(client: ClientStream, context: ExchangeContext) {
    this.#client = client;
    this.#context = context;
    this.#startedAt = context.deadlines.now();
    this.#requestId = client.request.claimedId === "" ? context.newId() : client.request.claimedId;
    this.#clientAddress = client.origin.clientAddress;
    this.#requestEnded = client.request.bodyLength === 0;
    context.deadlines.add(this);
  }

  /** Begins: may answer before it returns. */
  start(): void {
    const { origin } = this.#client;
    const fault = findRequestFault(this.#client, this.#context);
    if (fault !== undefined) return this.#answer(fault);
    const route = this.#context.findRoute(origin.port, origin.hostname);
    if (route === undefined) return this.#answer({ status: 503, reason: "no instance of the service is ready" });
    this.#route = route;
    const { request } = this.#client;
    if (route.limits?.headBytes !== undefined && headBytesOf(request) > route.limits.headBytes) {
      this.#context.limited("head");
      return this.#answer({ status: 431, reason: "the head is larger than the route allows" });
    }
    if (isForProxy(request)) return this.#answer(ownOptions);
    if (request.bodyLength !== undefined && this.#isTooLong(request.bodyLength)) return this.#refuseBody();
    this.#admit(route);
  }

  #refuseBody(): void {
    this.#context.limited("body");
    this.#answer({ status: 413, reason: "the body is longer than the route allows" });
  }

  #admit(route: Route): void {
    const { gatekeeper, deadlines } = this.#context;
    const { request, origin } = this.#client;
    const believed = gatekeeper.believe(route, origin, request);
    this.#clientAddress = believed.clientAddress;
    this.#totalAt = deadlines.now() + Math.min(route.limits?.totalMs ?? Infinity, timeoutOfCall(request));
    this.#wait("admission", Infinity);
    const signal = () => (this.#abort ??= new AbortController()).signal;
    const admission = request.path === routeProofPath && request.method === "GET"
      ? proveRoute(route, origin.hostname, this.#context)
      : gatekeeper.admit(route, { request, origin, clientAddress: believed.clientAddress }, signal);
    if (!(admission instanceof Promise)) return this.#onAdmission(admission, believed);
    admission.then(
      (decision) => this.#phase === "done" || this.#onAdmission(decision, believed),
      (error: unknown) => {
        this.#context.log.error("a request could not be judged", { requestId: this.#requestId, error });
        if (this.#phase !== "done") this.#answer({ status: 503, reason: "it could not be judged" });
      },
    );
  }

  #onAdmission(admission: Admission, believed: BelievedClient): void {
    if (admission.kind === "answer") return this.#answer(admission);
    const { method, fields: own } = this.#client.request;
    const { fields: judged = own } = admission;
    const fields = method === "OPTIONS" ? withOneHopLess(judged) : judged;
    this.#request = buildBackendRequest(this.#client, { believed, requestId: this.#requestId, fields });
    this.#connect(this.#request);
  }

  #connect(request: BackendRequest): void {
    const { load, limits, findRoute, backends } = this.#context;
    const { origin } = this.#client;
    const route = findRoute(origin.port, origin.hostname);
    const backend = route && load.pick(route.backends, this.#failed);
    if (route === undefined || backend === undefined) {
      const { status = 503, error } = this.#last ?? {};
      return this.#answer({ status, reason: "no instance of the service is ready" }, error);
    }
    this.#route = route;
    this.#backend = backend;
    this.#leave = load.enter(backend.instance);
    this.#isConnected = false;
    this.#wait("connect", limits.connectMs);
    this.#upstream = backends.open({ route, backend, isFresh: this.#isFresh }, request, this);
    if (this.#isConnected) this.#sendBody(this.#upstream);
  }

  onConnected(): void {
    this.#isConnected = true;
    if (this.#backend !== undefined) this.#context.load.worked(this.#backend);
    if (this.#upstream !== undefined) this.#sendBody(this.#upstream);
  }

  #sendBody(upstream: BackendStream): void {
    const { limits } = this.#context;
    if (this.#request?.bodyLength === 0) {
      this.#wait("head", this.#headMs());
      return upstream.sendEnd([]);
    }
    if (this.#request?.expectsContinue) return this.#wait("continue", continueWaitMs);
    this.#wait("upload", limits.responseBodyIdleMs);
    this.#client.resumeRequest();
  }

  /** The body is wanted, or nobody says whether it is: a client that got no 100 from the instance gets none from us (H8). */
  #continue(): void {
    if (this.#phase !== "continue") return;
    this.#wait("upload", this.#context.limits.responseBodyIdleMs);
    this.#client.resumeRequest();
  }

  onRequestData(chunk: Buffer): void {
    if (this.#phase === "done") return;
    this.#bytesIn += chunk.length;
    this.#bodySent = true;
    if (this.#phase !== "tunnel" && this.#isTooLong(this.#bytesIn)) {
      this.#upstream?.reset(resetCodes.cancel);
      return this.#headSent ? this.#breakOff() : this.#refuseBody();
    }
    this.#touch();
    this.#tunnel?.fromClient.push(chunk);
    if (this.#upstream?.sendData(chunk) === false) this.#client.pauseRequest();
  }

  onRequestEnd(trailers: Fields): void {
    if (this.#phase === "done" || this.#requestEnded) return;
    this.#requestEnded = true;
    if (this.#phase === "upload") this.#wait("head", this.#headMs());
    this.#upstream?.sendEnd(trailers);
    if (this.#responseEnded) this.#finish(101);
  }

  onRequestDrain(): void {
    this.#touch();
    if (this.#phase !== "done") this.#client.resumeRequest();
  }

  onInformational(status: number, fields: Fields): void {
    if (status === 100 ? this.#phase === "continue" : status === 102 || status === 103) {
      this.#client.sendInformational(status, fields);
    }
    if (status === 100) this.#continue();
  }

  onResponse(head: ResponseHead): void {
    const { limits, deadlines } = this.#context;
    this.#ttfbMs = deadlines.now() - this.#startedAt;
    // A final answer instead of 100 leaves open whether the client still sends its body (RFC 9110 §10.1.1).
    // Nor is it known whether what follows a refused upgrade is HTTP.
    const closes = this.#phase === "continue" || this.#request?.upgrade !== undefined;
    this.#headSent = true;
    this.#status = head.status;
    if (head.isTunnel) return this.#openTunnel(head);
    this.#client.sendHead(head, closes);
    const isStream = head.contentLength === undefined && head.hasBody && isEventStream(head.fields);
    this.#wait("body", this.#route?.limits?.idleMs ?? (isStream ? limits.streamIdleMs : limits.responseBodyIdleMs));
  }

  #openTunnel(head: ResponseHead): void {
    this.#requestEnded = false;
    this.#tunnel = { fromClient: new FrameBorders(), fromBackend: new FrameBorders() };
    this.#context.tunnels.add(this);
    this.#client.sendHead(toTunnelHead(head, this.#client.request), false);
    this.#wait("tunnel", this.#route?.limits?.idleMs ?? this.#context.limits.streamIdleMs);
    this.#client.resumeRequest();
  }

  onResponseData(chunk: Buffer): void {
    this.#bytesOut += chunk.length;
    this.#tunnel?.fromBackend.push(chunk);
    if (this.#client.sendData(chunk)) return this.#touch();
    this.#upstream?.pauseResponse();
    // How long the client may take to read is its connection's business.
    this.deadlineAt = this.#totalAt;
  }

  onResponseDrain(): void {
    if (this.#phase === "done") return;
    this.#touch();
    this.#upstream?.resumeResponse();
  }

  onResponseEnd(trailers: Fields): void {
    this.#responseEnded = true;
    this.#client.sendEnd(trailers);
    if (this.#phase !== "tunnel" || this.#requestEnded) this.#finish(this.#status);
  }

  onFailed(failure: BackendFailure): void {
    if (this.#phase === "done") return;
    this.#leave?.();
    this.#last = failure;
    const { step, status, error } = failure;
    if (this.#headSent) {
      this.#client.reset(failure.resetCode ?? resetCodes.internalError);
      return this.#finish(this.#status, error);
    }
    this.#upstream = undefined;
    if (this.#request !== undefined && this.#mayRepeat(step, this.#request)) this.#connect(this.#request);
    else if (failure.resetCode !== undefined && isGrpc(this.#client.request)) {
      // G4: the code tells a gRPC client more than a status of ours.
      this.#client.reset(failure.resetCode);
      this.#finish(status, error);
    } else this.#answer({ status, reason: "the instance gave no usable answer" }, error);
  }

  /** Whether the request can be sent again, to another instance or on another connection (H12). */
  #mayRepeat(step: BackendFailure["step"], { method }: BackendRequest): boolean {
    if (this.#bodySent) return false;
    if (step === "connect" && this.#backend !== undefined) {
      this.#context.load.failed(this.#backend);
      if (this.#route !== undefined) this.#context.counter(routeKey(this.#route)).instanceFailure();
      (this.#failed ??= new Set()).add(backendKey(this.#backend));
      return true;
    }
    if (step !== "stale" || this.#isFresh || !idempotent.has(method)) return false;
    this.#isFresh = true;
    return true;
  }

  onRequestFault(status: number, reason: string): void {
    if (this.#phase === "done") return;
    if (this.#headSent) return this.#breakOff();
    this.#upstream?.reset(resetCodes.cancel);
    this.#answer({ status, reason });
  }

  onClientClosed(code: number): void {
    if (this.#phase === "done") return;
    this.#upstream?.reset(code);
    this.#finish(this.#phase === "tunnel" ? 101 : clientGone);
  }

  /** Whether its route is still there. */
  get isRouted(): boolean {
    const { origin } = this.#client;
    return this.#context.findRoute(origin.port, origin.hostname) !== undefined;
  }

  /** Ends a tunnel as both ends expect it of a server that goes away, else by breaking it off (W2, RFC 6455 §7.4.1). */
  goAway(): void {
    if (this.#phase !== "tunnel" || this.#tunnel === undefined) return;
    const { fromClient, fromBackend } = this.#tunnel;
    if (fromClient.isBetween) this.#upstream?.sendData(Buffer.from(clientGoodbye));
    if (!fromBackend.isBetween) return this.#breakOff();
    this.#client.sendData(Buffer.from(serverGoodbye));
    this.#client.sendEnd([]);
    this.#upstream?.sendEnd([]);
    this.#finish(101, "the tunnel was closed because its route is gone or the proxy stops");
  }

  #breakOff(): void {
    this.#upstream?.reset(resetCodes.cancel);
    this.#client.reset(resetCodes.cancel);
    this.#finish(this.#status);
  }

  onDeadline(): void {
    if (this.#phase === "continue" && this.#context.deadlines.now() < this.#totalAt) return this.#continue();
    this.#upstream?.reset(resetCodes.cancel);
    const step = this.#phase === "connect" ? "connect" : "response";
    if (this.#context.deadlines.now() >= this.#totalAt) this.#context.limited("total");
    else if (this.#phase === "head") this.#context.limited("first_byte");
    this.onFailed({ step, status: 504, error: new Error(`a time limit was reached: ${this.#phase}`) });
  }

  /** Goes on to `phase`, which may take `limitMs`, within the time of the whole exchange. */
  #wait(phase: Phase, limitMs: number): void {
    this.#phase = phase;
    this.#limitMs = limitMs;
    this.#touch();
  }

  /** Something moved: the phase's time starts again. */
  #touch(): void {
    this.deadlineAt = Math.min(this.#context.deadlines.now() + this.#limitMs, this.#totalAt);
  }

  #headMs(): number {
    return this.#route?.limits?.firstByteMs ?? this.#context.limits.responseHeadMs;
  }

  #isTooLong(bytes: number): boolean {
    return bytes > (this.#route?.limits?.bodyBytes ?? Infinity);
  }

  #answer(answer: Omit<Extract<Admission, { kind: "answer" }>, "kind">, error?: Error): void {
    const closes = !this.#requestEnded || answer.status === 421 || this.#client.request.upgrade !== undefined;
    answerError(this.#client, { ...answer, requestId: this.#requestId, closes });
    this.#finish(answer.status, error ?? answer.reason);
  }

  #finish(status: number, fault?: Error | string): void {
    const { deadlines } = this.#context;
    this.#phase = "done";
    this.deadlineAt = Infinity;
    deadlines.delete(this);
    if (this.#tunnel !== undefined) this.#context.tunnels.delete(this);
    this.#leave?.();
    this.#abort?.abort();
    noteEnding(this.#context, {
      client: this.#client,
      requestId: this.#requestId,
      clientAddress: this.#clientAddress,
      status,
      fault,
      route: this.#route,
      instance: this.#backend?.instance,
      durationMs: deadlines.now() - this.#startedAt,
      ttfbMs: this.#ttfbMs,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    });
  }
}
