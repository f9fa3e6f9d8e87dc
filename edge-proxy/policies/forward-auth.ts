import { Buffer } from "node:buffer";
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Fields } from "../l7/streams.ts";
import { type AskedRequest, namesToDrop, toInstanceFields, toQuestionFields, toReturnedFields } from "./ask-fields.ts";

/** What a question came to. */
export type AuthAnswer =
  /** The request may pass with these fields, and without those of its own that only the service may set (lower-case names). */
  | { readonly kind: "pass"; readonly fields: Fields; readonly dropFields: ReadonlySet<string> }
  /** The service answers the client: a login, a redirect to one, or no. */
  | { readonly kind: "answer"; readonly status: number; readonly fields: Fields; readonly body: Buffer }
  /** Nobody could say: 503, the request does not pass. */
  | { readonly kind: "failed"; readonly status: 503; readonly error: Error }
  /** The client left. */
  | { readonly kind: "cancelled" };

/** Asks authentication services whether requests may pass. */
export interface ForwardAuth extends Disposable {
  /** Asks `url` about `asked`; `names` are the answer's fields for the instance. Never rejects. */
  ask(question: AuthQuestion, signal?: AbortSignal): Promise<AuthAnswer>;
}

/** One question: the verdict `ask` of `judgeRequest`, and the request. */
export interface AuthQuestion extends AskedRequest {
  readonly url: URL;
  readonly responseFields: readonly string[];
}

/** What {@link createForwardAuth} goes by. */
export interface ForwardAuthOptions {
  /** For the whole question; 5 s unless given. */
  readonly timeoutMs?: number;
  /** Certificates in PEM that `https:` services are verified with; the runtime's unless given. */
  readonly authorities?: string | undefined;
  /** Questions at the same time; beyond, requests get 503. 1,000 unless given. */
  readonly maxPending?: number;
}

/** A longer answer for the client counts as none. */
const maxBodyBytes = 64 * 1024;

/** A client for authentication services that keeps its connections. */
export function createForwardAuth(options: ForwardAuthOptions = {}): ForwardAuth {
  const { timeoutMs = 5000, authorities, maxPending = 1000 } = options;
  const agents = {
    "http:": new HttpAgent({ keepAlive: true, maxSockets: 64 }),
    "https:": new HttpsAgent({
      keepAlive: true,
      maxSockets: 64,
      ...(authorities === undefined ? {} : { ca: authorities }),
    }),
  };
  let pending = 0;

  async function ask(question: AuthQuestion, signal?: AbortSignal): Promise<AuthAnswer> {
    if (pending >= maxPending) return toFailure(question.url, new Error("too many questions at the same time"));
    pending++;
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      const agent = question.url.protocol === "https:" ? agents["https:"] : agents["http:"];
      return await toAnswer(question, await askPatiently(question, { agent, signal: either }));
    } catch (error) {
      if (signal?.aborted === true) return { kind: "cancelled" };
      return toFailure(question.url, timeout.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error);
    } finally {
      pending--;
    }
  }

  return {
    ask,
    [Symbol.dispose]() {
      for (const agent of [agents["http:"], agents["https:"]]) agent.destroy();
    },
  };
}

/** Once more when a connection broke before an answer: the service may have closed a kept one just then, and GET is idempotent. */
async function askPatiently(question: AuthQuestion, how: RequestOptions): Promise<IncomingMessage> {
  try {
    return await askOnce(question, how);
  } catch (error) {
    const isBroken = error instanceof Error && "code" in error && ["ECONNRESET", "EPIPE"].includes(String(error.code));
    if (!isBroken || how.signal?.aborted === true) throw error;
    return await askOnce(question, { ...how, agent: false });
  }
}

function askOnce(question: AuthQuestion, how: RequestOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = question.url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(question.url, { ...how, method: "GET", headers: toQuestionFields(question) });
  request.on("response", resolve).on("error", reject);
  request.on("close", () => reject(new Error("the connection ended before an answer")));
  request.end();
  return promise;
}

async function toAnswer(question: AuthQuestion, response: IncomingMessage): Promise<AuthAnswer> {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    // Its body is nobody's business: what is short frees the connection for the next question, what is long is cut.
    response.on("error", () => response.destroy());
    drain(response);
    return {
      kind: "pass",
      fields: toInstanceFields(response.rawHeaders, question.responseFields),
      dropFields: namesToDrop(question.request.fields, question.responseFields),
    };
  }
  const body = await readBody(response);
  return { kind: "answer", status, fields: toReturnedFields(response.rawHeaders), body };
}

function drain(response: IncomingMessage): void {
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > maxBodyBytes) response.destroy();
  });
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > maxBodyBytes) throw new Error(`the answer is longer than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error("the answer broke off");
  return Buffer.concat(chunks);
}

function toFailure(url: URL, cause: unknown): AuthAnswer {
  const message = `Cannot ask "${url.origin}${url.pathname}" whether a request may pass: it gave no usable answer`;
  return { kind: "failed", status: 503, error: new PlatformError("unavailable", message, { cause }) };
}
