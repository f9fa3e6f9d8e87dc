import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTls } from "node:tls";
import type { TestProxy } from "../../testing/open-test-proxy.ts";

/** A client session of HTTP/2 through a test proxy, opened for `hostname`. */
export function proxySession({ proxy, authority }: TestProxy, hostname = "a.test"): ClientHttp2Session {
  const tls = {
    host: "127.0.0.1",
    port: proxy.port,
    servername: hostname,
    ca: authority.rootPem,
    ALPNProtocols: ["h2"],
  };
  const session = connectHttp2(`https://${hostname}`, { createConnection: () => connectTls(tls) });
  // The proxy cuts what is still open when it closes.
  session.on("error", () => {});
  return session;
}
