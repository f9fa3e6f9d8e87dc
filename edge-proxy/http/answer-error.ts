import type { IncomingMessage, ServerResponse } from "node:http";
import { createErrorPage } from "./error-page.ts";

/** Answers with the proxy's own page for `status`; `closes` ends the connection after it. */
export function answerError(
  response: ServerResponse,
  status: number,
  facts: { readonly request: IncomingMessage; readonly requestId: string; readonly closes: boolean },
): void {
  if (response.headersSent) return void response.destroy();
  const page = createErrorPage(status, { requestId: facts.requestId, accept: facts.request.headers.accept ?? "" });
  if (facts.closes) response.shouldKeepAlive = false;
  response.writeHead(status, [...page.fields]);
  response.end(facts.request.method === "HEAD" ? undefined : page.body);
}
