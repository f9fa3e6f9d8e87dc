import { once } from "node:events";
import {
  createSecureServer,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import type { Server } from "node:net";
import type { TlsMaterial } from "../../tls/host-servers.ts";

/** A backend that speaks HTTP/2 on loopback. */
export interface Http2Backend extends AsyncDisposable {
  readonly port: number;
  /** Sessions so far, the newest last. */
  readonly sessions: ServerHttp2Session[];
}

/** What a backend may be. */
export interface Http2BackendOptions {
  /** Speaks TLS. */
  readonly material?: TlsMaterial;
  readonly settings?: Settings;
}

/** Opens a backend that hands each request to `onStream`. */
export async function openHttp2Backend(
  onStream: (stream: ServerHttp2Stream, raw: string[]) => void,
  { material, settings = {} }: Http2BackendOptions = {},
): Promise<Http2Backend> {
  const server: Server = material === undefined
    ? createServer({ settings })
    : createSecureServer({ settings, cert: material.chainPem, key: material.keyPem });
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session: ServerHttp2Session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream: ServerHttp2Stream, _headers: unknown, _flags: number, raw: string[]) => {
    stream.on("error", () => {});
    onStream(stream, raw);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
