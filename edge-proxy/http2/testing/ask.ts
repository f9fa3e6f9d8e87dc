import { Buffer } from "node:buffer";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";

/** An answer with its whole body. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, without `:status`. */
  readonly fields: string[];
  readonly body: string;
  readonly trailers: string[];
  /** Whether END_STREAM was on the first frame. */
  readonly isOneFrame: boolean;
}

/** What to ask; GET of `/` at a.test unless said otherwise. */
export interface Ask {
  readonly fields?: readonly string[];
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Uint8Array;
}

/** The answer to a request; rejects with the stream's reset code in the message. */
export function ask(
  session: ClientHttp2Session,
  { method = "GET", path = "/", fields = [], body }: Ask = {},
): Promise<Answer> {
  const head = [":method", method, ":scheme", "https", ":path", path, ":authority", "a.test", ...fields];
  const stream = session.request(head, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

/** The answer on a stream. */
export function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const chunks: Buffer[] = [];
  let status = 0, isOneFrame = false, hasEnded = false;
  let fields: string[] = [], trailers: string[] = [];
  stream.on("response", (_headers, flags, raw) => {
    status = Number(raw[1]);
    fields = raw.slice(2);
    isOneFrame = (flags & 1) !== 0;
  });
  stream.on("trailers", (_headers, _flags, raw) => void (trailers = raw));
  stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
  stream.on("end", () => void (hasEnded = true));
  stream.on("error", () => {});
  stream.on("close", () => {
    if (stream.rstCode !== 0 || !hasEnded || status === 0) reject(new Error(`reset with ${stream.rstCode}`));
    else resolve({ status, fields, body: Buffer.concat(chunks).toString(), trailers, isOneFrame });
  });
  return promise;
}

/** Resolves when the peer has answered a PING: it has read everything before. */
export function pingOf(session: ClientHttp2Session): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  session.ping(() => resolve());
  return promise;
}
