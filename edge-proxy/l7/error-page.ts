import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { problemMediaType } from "#shared/errors/problem.ts";

/** An answer that the proxy makes itself. */
export interface ErrorPage {
  /** HTTP status. */
  readonly status: number;
  /** Header fields without Content-Length, names and values in turn. */
  readonly fields: readonly string[];
  /** The body. */
  readonly body: Buffer;
}

const texts: Readonly<Record<number, string>> = {
  403: "The request is not allowed here.",
  408: "The request took too long to arrive.",
  413: "The body of the request is too large.",
  421: "This connection was opened for another host name.",
  431: "The header of the request is too large.",
  429: "There were too many requests.",
  502: "The service gave no usable answer.",
  503: "No instance of the service is ready.",
  504: "The service took too long to answer.",
  508: "The request went around in a loop.",
};

const codes: Readonly<Record<number, ErrorCode>> = {
  405: "method-not-allowed",
  501: "unsupported",
  502: "upstream-failed",
  503: "unavailable",
  504: "timeout",
};

/**
 * A small page for `status` that says which side failed and names the request for the operator's logs: problem+json (RFC 9457)
 * when `accept` asks for JSON, else HTML.
 */
export function createErrorPage(
  status: number,
  facts: { readonly requestId: string; readonly accept: string; readonly message?: string },
): ErrorPage {
  const title = STATUS_CODES[status] ?? "Error";
  const detail = facts.message ?? texts[status] ?? "The request was refused by the proxy.";
  const wantsJson = /json/i.test(facts.accept) && !/text\/html/i.test(facts.accept);
  const code = codes[status] ?? "invalid-request";
  const text = wantsJson
    ? JSON.stringify({ type: "about:blank", title, status, detail, code, requestId: facts.requestId })
    : toHtml(`${status} ${title}`, escapeHtml(detail), facts.requestId);
  const body = Buffer.from(text);
  return {
    status,
    fields: [
      "Content-Type",
      wantsJson ? problemMediaType : "text/html; charset=utf-8",
      "Cache-Control",
      "no-store",
      "X-Request-Id",
      facts.requestId,
    ],
    body,
  };
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function toHtml(title: string, detail: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}code{color:#666}</style>
<h1>${title}</h1><p>${detail}</p><p><code>Request ${requestId}</code></p></html>
`;
}

/** The page as the bytes of an HTTP/1.1 response that closes the connection; for sockets without a response object. */
export function toRawResponse(page: ErrorPage): Buffer {
  const lines = [`HTTP/1.1 ${page.status} ${STATUS_CODES[page.status] ?? "Error"}`];
  for (let index = 0; index + 1 < page.fields.length; index += 2) {
    lines.push(`${page.fields[index]}: ${page.fields[index + 1]}`);
  }
  lines.push(`Content-Length: ${page.body.length}`, "Connection: close");
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), page.body]);
}
