import { internName } from "../http1/field-names.ts";
import type { BackendRequest } from "../l7/streams.ts";
import { isFieldValue } from "./field-values.ts";

/** Methods that say nothing of a body when they have none. */
const bodyless = new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);
/** Fields of a WebSocket handshake that HTTP/2 has no use for (RFC 8441 §5). */
const handshakeFields = new Set(["sec-websocket-key", "sec-websocket-accept"]);

/**
 * The header section of a request (RFC 9113 §8.3.1); an upgrade becomes an extended CONNECT (RFC 8441 §4).
 *
 * @throws {TypeError} when a value holds a character that would end it, or become another, on the wire
 */
export function toRequestFields(request: BackendRequest): string[] {
  const { upgrade } = request;
  const fields = [":method", upgrade === undefined ? request.method : "CONNECT"];
  if (upgrade !== undefined) fields.push(":protocol", upgrade);
  fields.push(":scheme", "https", ":path", request.path, ":authority", request.authority);
  for (let index = 0; index < request.fields.length; index += 2) {
    const name = internName(request.fields[index] ?? "").lower;
    if (upgrade === undefined || !handshakeFields.has(name)) fields.push(name, request.fields[index + 1] ?? "");
  }
  addFraming(fields, request);
  const bad = fields.findIndex((value) => !isFieldValue(value));
  if (bad >= 0) throw new TypeError(`the value of the field "${fields[bad - 1]}" has a control character`);
  return fields;
}

function addFraming(
  fields: string[],
  { upgrade, method, bodyLength, expectsContinue, acceptsTrailers }: BackendRequest,
): void {
  const isAnnounced = bodyLength !== undefined && (bodyLength > 0 || !bodyless.has(method));
  if (upgrade === undefined && isAnnounced) fields.push("content-length", String(bodyLength));
  if (expectsContinue) fields.push("expect", "100-continue");
  if (acceptsTrailers) fields.push("te", "trailers");
}
