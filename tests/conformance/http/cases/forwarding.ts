import { bare, type ConformanceCase, forwarded, head, refused } from "../conformance-case.ts";

const get = "GET / HTTP/1.1";
const hopByHop = [
  "Keep-Alive: timeout=77",
  "Proxy-Connection: x-gone",
  "Trailer: x-gone",
  "TE: x-gone",
  "Upgrade: x-gone",
  "Proxy-Authenticate: x-gone",
  "Proxy-Authorization: x-gone",
  "HTTP2-Settings: x-gone",
];
const claimed = [
  "X-Forwarded-For: 192.0.2.1",
  "X-Forwarded-Proto: 192.0.2.1",
  "X-Forwarded-Host: 192.0.2.1",
  "X-Forwarded-Port: 192.0.2.1",
  "X-Forwarded-User: 192.0.2.1",
  "X-Real-IP: 192.0.2.1",
  "Forwarded: for=192.0.2.1",
  "X_Forwarded_For: 192.0.2.1",
  "x-forwarded_for: 192.0.2.1",
  "X_Real_IP: 192.0.2.1",
];

/** Fields that end at the proxy, and those that it adds. */
export const forwardingCases: readonly ConformanceCase[] = [
  ...hopByHop.map((field) =>
    forwarded("H1", `${field} ends here`, head(get, field), { hides: ["x-gone", "timeout=77"] })
  ),
  forwarded(
    "H1",
    "fields that Connection names end here",
    head(get, "X-A: x-gone", "Connection: x-a, X-B", "x-b: x-gone"),
    {
      hides: ["x-gone"],
    },
  ),
  forwarded(
    "H1",
    "fields that a second Connection names end here",
    head(get, "Connection: keep-alive", "Connection: x-a", "X-A: x-gone"),
    {
      hides: ["x-gone"],
    },
  ),
  forwarded(
    "H1",
    "nobody can name away what the proxy adds",
    head(get, "Connection: X-Forwarded-For, X-Real-IP, Forwarded, Via, Host"),
    {
      sees: [
        "\r\nX-Forwarded-For: 127.0.0.1\r\n",
        "\r\nX-Real-IP: 127.0.0.1\r\n",
        "\r\nForwarded: for=127.0.0.1",
        "\r\nHost: a.test\r\n",
      ],
    },
  ),
  forwarded(
    "H1",
    "nobody can name away the framing",
    head("POST / HTTP/1.1", "Connection: Content-Length", "Content-Length: 5") + "hello",
    {
      sees: ["\r\nContent-Length: 5\r\n"],
    },
  ),
  ...claimed.map((field) => forwarded("H3", `${field} is not believed`, head(get, field), { hides: ["192.0.2.1"] })),
  forwarded("H3", "the proxy says who asks", head(get), {
    sees: [
      "\r\nX-Forwarded-For: 127.0.0.1\r\n",
      "\r\nX-Forwarded-Proto: https\r\n",
      "\r\nX-Forwarded-Host: a.test\r\n",
      "\r\nX-Request-Id: ",
    ],
  }),
  forwarded("H2", "Via is continued", head(get, "Via: 1.0 first"), { sees: ["\r\nVia: 1.0 first, 1.1 mc-proxy\r\n"] }),
  refused("H2", "five times through the same proxy", head(get, `Via: ${"1.1 mc-proxy, ".repeat(5)}1.1 x`), 508),
  refused(
    "H2",
    "five times in several fields",
    head(get, ...Array.from({ length: 5 }, () => "Via: 1.1 mc-proxy")),
    508,
  ),
  forwarded("H2", "a name like ours is no loop", head(get, `Via: ${"1.1 mc-proxy-2, ".repeat(5)}1.1 x`)),
  {
    rule: "H1",
    name: "hop-by-hop fields of a backend end here",
    bytes: head(get),
    backend: bare(
      "HTTP/1.1 200 OK",
      "Connection: x-a",
      "X-A: x-gone",
      "Keep-Alive: timeout=77",
      "Proxy-Authenticate: x-gone",
      "Upgrade: h2c",
      "Content-Length: 0",
    ),
    answers: [200],
    withholds: ["x-gone", "timeout=77", "h2c"],
  },
];
