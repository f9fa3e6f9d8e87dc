import type { Buffer } from "node:buffer";

/** What a proxy does with a field, told by its name. */
export type FieldKind =
  | "ordinary"
  /** Ends at each hop (RFC 9110 §7.6.1). */
  | "hopByHop"
  | "connection"
  | "te"
  | "upgrade"
  | "transferEncoding"
  | "contentLength"
  | "host"
  | "expect"
  | "via"
  | "forwardedFor"
  | "requestId"
  /** Only we may write it towards a backend, or a backend may read it as a field that we write. */
  | "ours";

/** A field name and what it means. */
export interface FieldName {
  /** As sent. */
  readonly raw: string;
  readonly lower: string;
  readonly kind: FieldKind;
}

const kinds = new Map<string, FieldKind>([
  ["connection", "connection"],
  ["keep-alive", "hopByHop"],
  ["proxy-connection", "hopByHop"],
  ["te", "te"],
  ["trailer", "hopByHop"],
  ["transfer-encoding", "transferEncoding"],
  ["upgrade", "upgrade"],
  ["proxy-authenticate", "hopByHop"],
  ["proxy-authorization", "hopByHop"],
  ["http2-settings", "hopByHop"],
  ["host", "host"],
  ["content-length", "contentLength"],
  ["expect", "expect"],
  ["via", "via"],
  ["x-forwarded-for", "forwardedFor"],
  ["x-request-id", "requestId"],
  ["x-real-ip", "ours"],
  ["forwarded", "ours"],
]);

/** Names with their usual spelling: they keep their place in the cache whatever a client sends. */
const usual =
  `Host Connection Content-Length Transfer-Encoding Upgrade TE Expect Via User-Agent Accept Accept-Encoding Accept-Language
Cookie Set-Cookie Authorization Content-Type Content-Encoding Cache-Control Pragma Referer Origin If-None-Match If-Modified-Since Range DNT
Date Server ETag Last-Modified Expires Vary Location Age Accept-Ranges Content-Range Content-Disposition Strict-Transport-Security
Upgrade-Insecure-Requests Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform Priority
Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Extensions Sec-WebSocket-Protocol Sec-WebSocket-Accept Keep-Alive X-Powered-By
X-Forwarded-For X-Forwarded-Proto X-Forwarded-Host X-Forwarded-Port X-Real-IP X-Request-Id Forwarded X-Requested-With`
    .split(/\s+/);

/** Bytes of a token (RFC 9110 §5.6.2). */
const isTokenByte = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  isTokenByte[char.charCodeAt(0)] = 1;
}

/** A power of two. Fixed, so that no client can make the cache grow; what finds its slot taken replaces it. */
const slots = 2048;
/** Longer names are not kept. */
const maxKeptLength = 32;
const cache: (FieldName | undefined)[] = Array.from({ length: slots });
/** Bytes of the kept names: comparing those is several times faster than the characters of a string. */
const keptBytes = new Uint8Array(slots * maxKeptLength);
/**
 * Length and four bytes tell names apart; a hash of every byte would cost more than it saves. Found by trial: no two usual names share a
 * slot.
 */
const weights = { length: 1095, first: 962, middle: 1744, last: 1860, lastButOne: 1311 } as const;
const isFixed = new Uint8Array(slots);

/** The end of the token at `at`: the index of the first byte that belongs to none. */
export function findTokenEnd(buffer: Buffer, at: number): number {
  let end = at;
  while (isTokenByte[buffer[end] ?? 0] === 1) end += 1;
  return end;
}

/** Whether `text` is a token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (isTokenByte[text.charCodeAt(index)] !== 1) return false;
  }
  return text.length > 0;
}

/** The name that the token between `start` and `end` is. */
export function internNameAt(buffer: Buffer, start: number, end: number): FieldName {
  const length = end - start;
  const slot = (length * weights.length + (buffer[start] ?? 0) * weights.first +
    (buffer[start + (length >> 1)] ?? 0) * weights.middle + (buffer[end - 2] ?? 0) * weights.lastButOne +
    (buffer[end - 1] ?? 0) * weights.last) & (slots - 1);
  const cached = cache[slot];
  if (cached !== undefined && cached.raw.length === length && isKept(slot, buffer, start, length)) return cached;
  return keep(slot, buffer.toString("latin1", start, end));
}

/** The name that `raw`, a token, is. */
export function internName(raw: string): FieldName {
  const slot = slotOf(raw);
  const cached = cache[slot];
  return cached !== undefined && cached.raw === raw ? cached : keep(slot, raw);
}

function slotOf(raw: string): number {
  const { length } = raw;
  return (length * weights.length + raw.charCodeAt(0) * weights.first + raw.charCodeAt(length >> 1) * weights.middle +
    raw.charCodeAt(length - 2) * weights.lastButOne + raw.charCodeAt(length - 1) * weights.last) & (slots - 1);
}

function isKept(slot: number, buffer: Buffer, start: number, length: number): boolean {
  const at = slot * maxKeptLength;
  for (let index = 0; index < length; index += 1) {
    if (keptBytes[at + index] !== buffer[start + index]) return false;
  }
  return true;
}

function keep(slot: number, raw: string): FieldName {
  const lower = raw.toLowerCase();
  const name = { raw, lower, kind: kindOf(lower) };
  if (isFixed[slot] === 1 || raw.length > maxKeptLength) return name;
  cache[slot] = name;
  for (let index = 0; index < raw.length; index += 1) keptBytes[slot * maxKeptLength + index] = raw.charCodeAt(index);
  return name;
}

function kindOf(lower: string): FieldKind {
  const kind = kinds.get(lower);
  if (kind !== undefined) return kind;
  // Backends that make variables of fields (CGI, WSGI) read `_` and `-` alike, so a look-alike would speak for us.
  const plain = lower.replaceAll("_", "-");
  if (plain.startsWith("x-forwarded-") || (plain !== lower && kinds.has(plain))) return "ours";
  return "ordinary";
}

for (const raw of usual) {
  for (const spelling of [raw, raw.toLowerCase()]) {
    const slot = slotOf(spelling);
    if (isFixed[slot] === 1) continue;
    internName(spelling);
    isFixed[slot] = 1;
  }
}
