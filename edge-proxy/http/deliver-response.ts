import { type ClientRequest, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { setImmediate } from "node:timers";
import type { ProxyLimits } from "../limits.ts";
import type { Deadline } from "./deadline.ts";
import { toClientFields, toTrailerFields } from "./header-fields.ts";

/** What {@link deliverResponse} needs. */
export interface DeliverOptions {
  /** Idle limits. */
  readonly limits: Pick<ProxyLimits, "responseBodyIdleMs" | "streamIdleMs">;
  /** The exchange's deadline. */
  readonly deadline: Deadline;
  /** Whether the client's connection must not serve another request. */
  readonly closesAfter: boolean;
}

/**
 * Streams a backend's response to the client. Resolves when the client's response has ended, never rejects: a response that the
 * backend breaks off is broken off at the client too, never ended cleanly (RFC 9112 §8).
 */
export function deliverResponse(
  from: { readonly outgoing: ClientRequest; readonly message: IncomingMessage },
  response: ServerResponse,
  options: DeliverOptions,
): Promise<void> {
  const { outgoing, message } = from;
  const { promise, resolve } = Promise.withResolvers<void>();
  const abort = () => {
    outgoing.destroy();
    response.destroy();
  };
  response.once("close", () => {
    options.deadline.clear();
    if (!message.complete || !outgoing.writableFinished) outgoing.destroy();
    resolve();
  });
  response.on("error", abort);
  if (options.closesAfter) response.shouldKeepAlive = false;
  try {
    response.writeHead(message.statusCode ?? 502, message.statusMessage, toClientFields(message.rawHeaders));
  } catch {
    // A reason phrase that node will not write is replaced; without an argument, node would try the refused one again.
    const status = message.statusCode ?? 502;
    response.writeHead(status, STATUS_CODES[status] ?? "", toClientFields(message.rawHeaders));
  }
  pumpResponse(from, response, options.deadline);
  const isStream = message.headers["content-type"]?.startsWith("text/event-stream") ?? false;
  options.deadline.set(isStream ? options.limits.streamIdleMs : options.limits.responseBodyIdleMs, abort);
  return promise;
}

function pumpResponse(
  { outgoing, message }: { readonly outgoing: ClientRequest; readonly message: IncomingMessage },
  response: ServerResponse,
  deadline: Deadline,
): void {
  let wrote = false;
  message.on("data", (chunk: Uint8Array) => {
    wrote = true;
    deadline.touch();
    if (!response.write(chunk)) message.pause();
  });
  response.on("drain", () => {
    deadline.touch();
    message.resume();
  });
  message.on("end", () => {
    if (!message.complete) return void response.destroy();
    const trailers = toTrailerFields(message.rawTrailers);
    if (trailers.length > 0) response.addTrailers(trailers);
    response.end();
    // The answer came before the whole request was sent: that connection cannot be used again.
    if (!outgoing.writableFinished) outgoing.destroy();
  });
  message.on("error", () => response.destroy());
  message.on("close", () => message.complete || response.destroy());
  // A body that comes later must not hold back the head; one that comes at once goes out in the same packet.
  setImmediate(() => wrote || response.writableEnded || response.flushHeaders());
}
