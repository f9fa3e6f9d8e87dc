import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import type { Fields, RequestHead, ResponseHead } from "./streams.ts";
import { fieldOf } from "./forwarded-fields.ts";

/** Why an upgrade is refused. */
export interface UpgradeFault {
  readonly status: number;
  readonly reason: string;
}

/** What is wrong with a request for an upgrade: the only one offered is WebSocket (RFC 6455 §4.2.1, RFC 8441 §5). */
export function findUpgradeFault(request: RequestHead): UpgradeFault | undefined {
  if (request.upgrade !== "websocket") return { status: 501, reason: "the upgrade is not offered" };
  if (fieldOf(request.fields, "sec-websocket-version") !== "13") {
    return { status: 426, reason: "the WebSocket version is not 13" };
  }
  if (request.version === "2") return undefined;
  const key = fieldOf(request.fields, "sec-websocket-key") ?? "";
  const isKey = key.length === 24 && Buffer.from(key, "base64").length === 16;
  if (request.method !== "GET" || request.bodyLength !== 0 || !isKey) {
    return { status: 400, reason: "the WebSocket handshake is malformed" };
  }
  return undefined;
}

/** The fields of a handshake for an HTTP/1.1 backend: one that came over HTTP/2 has no key yet. */
export function withHandshakeKey(fields: Fields): Fields {
  if (fieldOf(fields, "sec-websocket-key") !== undefined) return fields;
  return [...fields, "Sec-WebSocket-Key", randomBytes(16).toString("base64")];
}

/** The head of an opened tunnel as the client's protocol has it: 101 with the answer to its key, or 200 (RFC 8441 §5). */
export function toTunnelHead(head: ResponseHead, request: RequestHead): ResponseHead {
  if (request.version === "2") return { ...head, status: 200, fields: withoutAccept(head.fields) };
  // An HTTP/1.1 backend has answered the client's own key.
  if (fieldOf(head.fields, "sec-websocket-accept") !== undefined) return { ...head, status: 101 };
  const key = fieldOf(request.fields, "sec-websocket-key") ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return { ...head, status: 101, fields: [...head.fields, "Sec-WebSocket-Accept", accept] };
}

function withoutAccept(fields: Fields): string[] {
  return fields.filter((_, index) => fields[index - (index % 2)]?.toLowerCase() !== "sec-websocket-accept");
}
