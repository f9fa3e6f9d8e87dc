import { Buffer } from "node:buffer";
import { request as httpsRequest } from "node:https";
import type { Agent } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect, type TLSSocket } from "node:tls";

/** Where and as whom a test connects. */
export interface Target {
  readonly port: number;
  readonly rootPem: string;
  readonly hostname: string;
}

/** An answer with its whole body. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly rawTrailers: string[];
  readonly body: string;
  readonly reusedSocket: boolean;
}

/** What {@link ask} sends; a GET of `/` unless said otherwise. */
export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly agent?: Agent | false;
}

/** The answer to one HTTPS request. */
export function ask(target: Target, ask: Ask = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const { method = "GET", path = "/", headers = {}, body, agent = false } = ask;
  const request = httpsRequest({
    host: "127.0.0.1",
    port: target.port,
    servername: target.hostname,
    ca: target.rootPem,
    headers: { host: target.hostname, ...headers },
    method,
    path,
    agent,
  });
  request.on("error", reject);
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => void chunks.push(chunk)).on("error", reject);
    response.on("end", () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        rawTrailers: response.rawTrailers,
        body: Buffer.concat(chunks).toString(),
        reusedSocket: request.reusedSocket,
      }));
  });
  request.end(body);
  return promise;
}

/** A TLS connection to the proxy; rejects when the handshake fails. */
export function connectTls(target: Target): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket = connect({ host: "127.0.0.1", port: target.port, servername: target.hostname, ca: target.rootPem });
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("closed before the handshake was done")));
  socket.once("secureConnect", () => resolve(socket));
  return promise;
}

/** Everything that the proxy answers to `bytes` until it closes the connection, or until `until` is in it. */
export async function askRaw(target: Target, bytes: string, until?: string): Promise<string> {
  const socket = await connectTls(target);
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  const finish = () => {
    socket.destroy();
    resolve(text);
  };
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (until !== undefined && text.includes(until)) finish();
  });
  socket.on("error", finish).on("close", finish);
  socket.write(bytes, "latin1");
  return await promise;
}
