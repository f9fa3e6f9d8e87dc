import type { z } from "zod";
import { PlatformError } from "../errors/platform-error.ts";
import { fromProblemResponse } from "../errors/problem.ts";
import type { Contract, Endpoint } from "./endpoint.ts";
import { problemsOf } from "./parse-input.ts";

/** The part of `fetch` that clients use. In one process it is the other app's own `app.fetch`. */
export type Fetch = (request: Request) => Promise<Response> | Response;

/** Where a client's requests go and as whom. */
export interface ClientOptions {
  readonly fetch: Fetch;
  /** Origin of the system, such as `https://mcp.svc.example.net:8443`. */
  readonly baseUrl: string;
  /** The bearer token of the moment; without one the call is anonymous. */
  readonly token?: () => Promise<string | undefined> | string | undefined;
  /** Longest time until the answer is here, in milliseconds; 30,000 unless given. A raw answer's body may take longer. */
  readonly timeoutMs?: number;
}

type IfNonEmpty<T, Name extends string> = T extends undefined ? { readonly [K in Name]?: undefined }
  : Record<string, never> extends T ? { readonly [K in Name]?: T }
  : { readonly [K in Name]: T };

/** What a call of an endpoint takes. */
export type CallInput<E> = E extends Endpoint<infer P, infer Q, infer B, z.ZodType>
  ? IfNonEmpty<z.input<P>, "params"> & IfNonEmpty<z.input<Q>, "query"> & IfNonEmpty<z.input<B>, "body"> & CallExtras
  : never;

/** What every call takes. */
export interface CallExtras {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Body of an endpoint whose request is a stream. */
  readonly stream?: ReadableStream<Uint8Array>;
}

/** Typed functions for all endpoints of a contract; raw endpoints give the `Response`. */
export type ContractClient<C extends Contract> = {
  readonly [K in keyof C]: (
    input: CallInput<C[K]>,
  ) => Promise<C[K] extends RawEndpoint ? Response : z.output<C[K]["answer"]>>;
};
type RawEndpoint = Endpoint & { readonly answerKind: "raw" };

/**
 * A client for a contract. Answers are parsed; problem documents become {@link PlatformError}s with their own code.
 *
 * @throws {PlatformError} unavailable — when the system cannot be reached; timeout — when it does not answer in time
 */
export function createClient<const C extends Contract>(contract: C, options: ClientOptions): ContractClient<C> {
  const calls = Object.entries(contract).map(([name, endpoint]) => [
    name,
    (input: LooseInput = {}) => callEndpoint(endpoint, input, options),
  ]);
  return Object.fromEntries(calls);
}

interface LooseInput extends CallExtras {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

async function callEndpoint(endpoint: Endpoint, input: LooseInput, options: ClientOptions): Promise<unknown> {
  const action = endpoint.summary.charAt(0).toLowerCase() + endpoint.summary.slice(1);
  const request = await toRequest(endpoint, input, options);
  const fetchWhole = async (timed: Request) => toWhole(await options.fetch(timed), endpoint);
  const response = await send(request, action, input.signal, { ...options, fetch: fetchWhole });
  if (!response.ok) throw await fromProblemResponse(response, action);
  if (endpoint.answerKind === "raw") return response;
  if (response.status === 204) return undefined;
  const answer = endpoint.answer.safeParse(await response.json().catch(() => undefined));
  if (!answer.success) {
    throw new PlatformError("upstream-failed", `Cannot ${action}: the answer is not what the contract says`, {
      details: { problems: problemsOf("answer", answer.error) },
    });
  }
  return answer.data;
}

/** The response with its body here already, except when it is a stream that may go on. */
async function toWhole(response: Response, endpoint: Endpoint): Promise<Response> {
  const mayGoOn = endpoint.answerKind === "raw" && response.ok;
  return mayGoOn || response.body === null ? response : new Response(await response.text(), response);
}

async function toRequest(endpoint: Endpoint, input: LooseInput, options: ClientOptions): Promise<Request> {
  const url = new URL(fillPath(endpoint.path, toStrings(input.params)), options.baseUrl);
  for (const [name, value] of Object.entries(toStrings(input.query))) url.searchParams.set(name, value);
  const headers = new Headers(input.headers);
  const token = await options.token?.();
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  const init: RequestInit & { duplex?: "half" } = { method: endpoint.method, headers, redirect: "manual" };
  if (endpoint.requestBody === "json") {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(input.body);
  } else if (endpoint.requestBody === "form") {
    init.body = new URLSearchParams(toStrings(input.body));
  } else if (input.stream !== undefined) {
    init.body = input.stream;
    init.duplex = "half";
  }
  return new Request(url, init);
}

// Node's fetch holds the request of an answer weakly: once it is collected, an abort does not reach the body any more, and a
// stream that was to end with its signal goes on. What the signal needs lives as long as the body.
const keptWithBody = new WeakMap<ReadableStream, readonly unknown[]>();

async function send(
  request: Request,
  action: string,
  signal: AbortSignal | undefined,
  options: ClientOptions,
): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), options.timeoutMs ?? 30_000);
  const either = AbortSignal.any(signal === undefined ? [timeout.signal] : [timeout.signal, signal]);
  try {
    const sent = new Request(request, { signal: either });
    const response = await untilAborted(async () => await options.fetch(sent), either);
    if (response.body !== null) keptWithBody.set(response.body, [sent, either]);
    return response;
  } catch (cause) {
    if (signal?.aborted) throw new PlatformError("cancelled", `Cannot ${action}: the call was cancelled`, { cause });
    if (timeout.signal.aborted) {
      throw new PlatformError("timeout", `Cannot ${action}: no answer from ${options.baseUrl} in time`, { cause });
    }
    throw new PlatformError("unavailable", `Cannot ${action}: ${options.baseUrl} cannot be reached`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** The result of `work`, or a rejection as soon as `signal` aborts: a `fetch` within the process may not look at it. */
async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function fillPath(path: string, params: Record<string, string>): string {
  return path.replaceAll(/\{([a-zA-Z]+)\}/g, (_match, name: string) => {
    const value = params[name];
    if (value === undefined) throw new TypeError(`Cannot fill "${path}": the parameter "${name}" is missing`);
    // A URL would lose these segments and name another endpoint (WHATWG URL, "shorten a URL's path").
    if (["", ".", ".."].includes(value)) {
      throw new PlatformError("invalid-request", `Cannot ask for ${name} "${value}": expected a name`);
    }
    return encodeURIComponent(value);
  });
}

function toStrings(values: unknown): Record<string, string> {
  if (typeof values !== "object" || values === null) return {};
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
  );
}
