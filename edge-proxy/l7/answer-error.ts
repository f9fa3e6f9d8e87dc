import type { Buffer } from "node:buffer";
import { createErrorPage } from "./error-page.ts";
import { fieldOf } from "./forwarded-fields.ts";
import { toGrpcStatus } from "./grpc-status.ts";
import type { ClientStream, Fields } from "./streams.ts";

/** An answer that the proxy gives itself. */
export interface OwnAnswer {
  readonly status: number;
  readonly requestId: string;
  /** Text for people instead of the usual one. */
  readonly message?: string | undefined;
  /** Further fields. */
  readonly fields?: Fields | undefined;
  /** A body of somebody else's instead of our page. */
  readonly body?: Buffer | undefined;
  /** Whether the connection must not go on. */
  readonly closes: boolean;
}

/** Sends an answer of the proxy's own: a page, problem+json, or for gRPC a status in one HEADERS frame (G3). */
export function answerError(client: ClientStream, answer: OwnAnswer): void {
  const { request } = client;
  if (fieldOf(request.fields, "content-type")?.startsWith("application/grpc")) return answerGrpc(client, answer);
  const page = createErrorPage(answer.status, {
    requestId: answer.requestId,
    accept: fieldOf(request.fields, "accept") ?? "",
    ...(answer.message === undefined ? {} : { message: answer.message }),
  });
  const body = answer.body ?? page.body;
  const own = answer.fields ?? [];
  const retry = answer.status === 503 && fieldOf(own, "retry-after") === undefined ? ["Retry-After", "1"] : [];
  const fields = [...(answer.body === undefined ? page.fields : []), ...own, ...retry];
  const hasBody = request.method !== "HEAD" && body.length > 0;
  client.sendHead(
    { status: answer.status, fields, contentLength: body.length, hasBody, isTunnel: false },
    answer.closes,
  );
  if (hasBody) client.sendData(body);
  client.sendEnd([]);
}

function answerGrpc(client: ClientStream, answer: OwnAnswer): void {
  const fields = [
    "content-type",
    "application/grpc",
    "grpc-status",
    String(toGrpcStatus(answer.status)),
    "grpc-message",
    encodeURIComponent(answer.message ?? `the proxy answers ${answer.status}`),
    "x-request-id",
    answer.requestId,
  ];
  client.sendHead({ status: 200, fields, contentLength: undefined, hasBody: false, isTunnel: false }, answer.closes);
  client.sendEnd([]);
}
