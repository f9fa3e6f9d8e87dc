import { Buffer } from "node:buffer";
import { connectTls, type Target } from "../../../edge-proxy/testing/test-client.ts";

/** What came back on a connection. */
export interface RawExchange {
  readonly text: string;
  /** Whether the server ended the connection in time. */
  readonly isClosed: boolean;
}

/** How bytes are sent. */
export interface RawOptions {
  readonly timeoutMs: number;
  /** Bytes of a TLS record, more where that made more than 200; all in one write unless given. */
  readonly pieceBytes?: number | undefined;
}

/** Sends `bytes`, a byte a character, and gives all that comes until the server ends the connection, or until the time is over. */
export async function exchangeRaw(target: Target, bytes: string, options: RawOptions): Promise<RawExchange> {
  const { timeoutMs, pieceBytes = bytes.length } = options;
  const socket = await connectTls(target);
  const { promise, resolve } = Promise.withResolvers<RawExchange>();
  let text = "";
  const finish = (isClosed: boolean) => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ text, isClosed });
  };
  const timer = setTimeout(() => finish(false), timeoutMs);
  socket.on("data", (chunk) => text += chunk.toString("latin1"));
  socket.on("end", () => finish(true)).on("error", () => finish(true)).on("close", () => finish(true));
  const size = Math.max(pieceBytes, Math.ceil(bytes.length / 200));
  for (let at = 0; at < bytes.length; at += size) socket.write(Buffer.from(bytes.slice(at, at + size), "latin1"));
  return await promise;
}

/** One answer on a connection. */
export interface Answer {
  readonly status: number;
  /** Whether its body came to the end that its framing told. */
  readonly isComplete: boolean;
}

/** The answers that `text` holds, the first one to `method` and the others to methods whose answers have bodies. */
export function readAnswers(text: string, method: string): Answer[] {
  const answers: Answer[] = [];
  let rest = text;
  while (rest !== "") {
    const headLength = rest.indexOf("\r\n\r\n") + 4;
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(rest)?.[1] ?? 0);
    if (headLength < 4 || status === 0) return [...answers, { status, isComplete: false }];
    const isHead = method === "HEAD" && !answers.some((answer) => answer.status >= 200);
    const hasBody = !isHead && mayHaveBody(status);
    const length = hasBody ? bodyLength(rest.slice(0, headLength), rest.slice(headLength)) : 0;
    answers.push({ status, isComplete: length !== -1 });
    if (length === -1 || status === 101) return answers;
    rest = rest.slice(headLength + length);
  }
  return answers;
}

function mayHaveBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/** How long the body is, or -1 when it breaks off. */
function bodyLength(head: string, body: string): number {
  if (/^transfer-encoding: chunked/im.test(head)) {
    let at = 0;
    for (;;) {
      const [line = "", size = ""] = /^([0-9a-f]+)\r\n/i.exec(body.slice(at)) ?? [];
      if (line === "") return -1;
      if (Number.parseInt(size, 16) === 0) break;
      at += line.length + Number.parseInt(size, 16) + 2;
    }
    const end = body.indexOf("\r\n\r\n", at);
    return end === -1 ? -1 : end + 4;
  }
  const [, length] = /^content-length: (\d+)/im.exec(head) ?? [];
  if (length === undefined) return body.length;
  return body.length < Number(length) ? -1 : Number(length);
}
