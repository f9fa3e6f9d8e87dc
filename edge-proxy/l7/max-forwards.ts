import type { Fields, RequestHead } from "./streams.ts";
import { fieldOf } from "./forwarded-fields.ts";

/** Whether an OPTIONS asks the proxy itself: it may go no further (RFC 9110 §7.6.2). */
export function isForProxy({ method, fields }: RequestHead): boolean {
  return method === "OPTIONS" && /^0+$/.test(fieldOf(fields, "max-forwards") ?? "");
}

/** The fields of an OPTIONS with one hop less to go. A value that is no number is passed on. */
export function withOneHopLess(fields: Fields): Fields {
  const hops = fieldOf(fields, "max-forwards");
  if (hops === undefined || !/^[0-9]{1,9}$/.test(hops)) return fields;
  return fields.map((text, index) =>
    index % 2 === 1 && fields[index - 1]?.toLowerCase() === "max-forwards" ? String(Number(hops) - 1) : text
  );
}
