import { fieldOf } from "./forwarded-fields.ts";
import type { Fields, RequestHead } from "./streams.ts";

/** Size of a request's head as HTTP/1.1 would write it, in bytes. */
export function headBytesOf({ method, path, authority, fields }: RequestHead): number {
  let bytes = method.length + path.length + authority.length;
  for (const text of fields) bytes += text.length + 2;
  return bytes;
}

/** Whether a response is a stream of events, which may be silent for long. */
export function isEventStream(fields: Fields): boolean {
  return fieldOf(fields, "content-type")?.startsWith("text/event-stream") ?? false;
}
