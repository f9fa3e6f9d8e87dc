import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { PlatformError, toPlatformError } from "../errors/platform-error.ts";
import { toProblemResponse } from "../errors/problem.ts";
import type { Log } from "../log/log.ts";
import type { AuditEvent } from "../store/audit.ts";
import { authenticate, authorise } from "./authorise.ts";
import type { Endpoint } from "./endpoint.ts";
import { parseInput } from "./parse-input.ts";
import type { Principal } from "./principal.ts";
import { clientIpOf, requestIdOf } from "./request-facts.ts";

/** Turns a bearer token into the principal it stands for. */
export interface TokenValidator {
  /**
   * The principal of a live token.
   *
   * @throws {PlatformError} unauthenticated, token-expired — when it is not live; unavailable — when that cannot be known
   */
  validateToken(token: string): Promise<Principal>;
}

/** What every system gives to the server of its contract. */
export interface ApiDependencies {
  /** Name of the system in logs. */
  readonly system: string;
  readonly validator: TokenValidator;
  readonly log: Log;
  readonly now: () => Date;
  /** Appends to the system's audit log. */
  readonly audit: (event: Omit<AuditEvent, "id">) => Promise<void>;
}

/** What a handler gets: parsed input and who asks. */
export interface Call<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Who asks. Calling this on a public endpoint without a token is the programmer's mistake. */
  readonly principal: Principal;
  /** Who asks, or `undefined` on a public endpoint without a token. */
  readonly caller: Principal | undefined;
  readonly requestId: string;
  readonly clientIp: string;
  readonly request: Request;
  readonly log: Log;
  /** Adds the resource to the audit line; the path unless called. */
  readonly setResource: (resource: string) => void;
}

/** A system's HTTP application: register handlers, then serve `app.fetch`. */
export interface Api {
  readonly app: Hono;
  /** Serves an endpoint: parse → authorise → handler → answer; denials and changes are audited. */
  implement<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
    endpoint: Endpoint<P, Q, B, A>,
    handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<z.input<A> | Response>,
  ): void;
}

/** An application without endpoints, whose errors are problem documents (RFC 9457). */
export function createApi(deps: ApiDependencies): Api {
  const app = new Hono();
  app.onError((error, context) => toErrorResponse(error, context, deps));
  app.notFound((context) => toErrorResponse(noSuchEndpoint(context, deps.system), context, deps));
  return {
    app,
    implement(endpoint, handler) {
      const path = endpoint.path.replaceAll(/\{([a-zA-Z]+)\}/g, ":$1");
      const handle = async (context: Context) => serve(context, endpoint, handler, deps);
      if (endpoint.requestBody === "stream") app.on(endpoint.method, path, handle);
      else app.on(endpoint.method, path, limitBody(endpoint), handle);
    },
  };
}

function noSuchEndpoint(context: Context, system: string): PlatformError {
  return new PlatformError(
    "not-found",
    `Cannot ${context.req.method} "${context.req.path}": ${system} has no such endpoint`,
  );
}

function limitBody(endpoint: Endpoint) {
  return bodyLimit({
    maxSize: endpoint.maxBodyBytes,
    onError: () => {
      throw new PlatformError(
        "payload-too-large",
        `Cannot ${endpoint.summary.toLowerCase()}: the body is too large, expected at most ${endpoint.maxBodyBytes} bytes`,
      );
    },
  });
}

async function serve<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  context: Context,
  endpoint: Endpoint<P, Q, B, A>,
  handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<z.input<A> | Response>,
  deps: ApiDependencies,
): Promise<Response> {
  const request = context.req.raw;
  const requestId = requestIdOf(request);
  let resource = context.req.path;
  let caller: Principal | undefined;
  const finish = (outcome: AuditEvent["outcome"], code: string | null) =>
    deps.audit({
      at: deps.now().toISOString(),
      actor: caller?.username ?? null,
      action: endpoint.id,
      resource,
      outcome,
      code,
      requestId,
      clientIp: clientIpOf(context),
    });
  try {
    // The token is looked at first so that a stranger learns nothing from validation messages.
    // Who asks is known before the decision, so that the audit line of a denial names them.
    caller = await authenticate(request, endpoint.access, deps.validator);
    authorise(caller, endpoint.access);
    const input = await parseInput(context, endpoint);
    const answer = await handler({
      ...input,
      caller,
      get principal() {
        if (caller === undefined) throw new TypeError(`Endpoint ${endpoint.id} is public: use call.caller`);
        return caller;
      },
      requestId,
      clientIp: clientIpOf(context),
      request,
      log: deps.log.child({ requestId }),
      setResource: (name) => void (resource = name),
    });
    if (endpoint.audited) await finish("allowed", null);
    return toResponse(answer, endpoint, requestId);
  } catch (error) {
    const { code, httpStatus } = toPlatformError(error);
    const isDenial = httpStatus === 401 || httpStatus === 403;
    if (isDenial || endpoint.audited) await finish(isDenial ? "denied" : "failed", code);
    throw error;
  }
}

function toResponse(answer: unknown, endpoint: Endpoint, requestId: string): Response {
  if (answer instanceof Response) {
    // A copy, as an answer that came from another `fetch` has headers that cannot be changed.
    const response = new Response(answer.body, answer);
    response.headers.set("x-request-id", requestId);
    return response;
  }
  const headers = { "x-request-id": requestId, "cache-control": "no-store" };
  if (endpoint.status === 204) return new Response(null, { status: 204, headers });
  return Response.json(endpoint.answer.parse(answer), { status: endpoint.status, headers });
}

function toErrorResponse(error: unknown, context: Context, deps: ApiDependencies): Response {
  const platformError = toPlatformError(error);
  const requestId = requestIdOf(context.req.raw);
  if (platformError.httpStatus >= 500) {
    deps.log.error("request failed", { requestId, method: context.req.method, path: context.req.path, error });
  }
  const response = toProblemResponse(platformError, requestId);
  response.headers.set("x-request-id", requestId);
  return response;
}
