import { bare, type ConformanceCase, forwarded, head } from "../conformance-case.ts";

const get = "GET / HTTP/1.1";
const key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
const accepted = bare(
  "HTTP/1.1 101 Switching Protocols",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
);

/** Changes of protocol (RFC 9110 §7.8). */
export const upgradeCases: readonly ConformanceCase[] = [
  {
    rule: "H9",
    name: "a WebSocket that the backend declines",
    bytes: head(get, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", ...key),
    answers: [200],
    closes: true,
    sees: ["\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", "\r\nSec-WebSocket-Version: 13\r\n"],
  },
  {
    rule: "H9",
    name: "a WebSocket that the backend accepts: all that follows is its",
    bytes: head(get, "Connection: Upgrade", "Upgrade: websocket", ...key),
    backend: accepted,
    endsConnection: true,
    answers: [101],
    closes: true,
    gives: ["\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n"],
  },
  ...["h2c", "H2C", "websocket, h2c", "h2c, websocket", "HTTP/2.0", "TLS/1.0"].map((token) =>
    forwarded(
      "H9",
      `Upgrade: ${token} is ignored`,
      head(get, "Connection: Upgrade, HTTP2-Settings", `Upgrade: ${token}`, "HTTP2-Settings: AAMAAABkAAQAoAAA"),
      {
        hides: ["Upgrade", "HTTP2-Settings"],
      },
    )
  ),
  forwarded(
    "H9",
    "two Upgrade fields are ignored",
    head(get, "Connection: Upgrade", "Upgrade: websocket", "Upgrade: websocket"),
    {
      hides: ["Upgrade"],
    },
  ),
  forwarded("H9", "an Upgrade that Connection does not name is ignored", head(get, "Upgrade: websocket", ...key), {
    hides: ["Upgrade"],
  }),
  {
    rule: "H9",
    name: "an Upgrade in HTTP/1.0 is ignored",
    bytes: head("GET / HTTP/1.0", "Connection: Upgrade", "Upgrade: websocket", ...key),
    answers: [200],
    closes: true,
    hides: ["Upgrade"],
  },
  {
    rule: "H9",
    name: "a backend that switches unasked",
    bytes: head(get),
    backend: accepted,
    answers: [502],
    withholds: ["Sec-WebSocket-Accept"],
  },
  {
    rule: "H9",
    name: "a backend that switches to another protocol",
    bytes: head(get, "Connection: Upgrade", "Upgrade: websocket", ...key),
    backend: bare("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c"),
    answers: [502],
    closes: true,
    begins: true,
  },
];
