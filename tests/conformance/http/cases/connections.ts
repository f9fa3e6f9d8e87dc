import { bare, type ConformanceCase, forwarded, head, smuggled } from "../conformance-case.ts";

const get = "GET / HTTP/1.1";

/** One request behind the other, and how connections end (RFC 9112 §9). */
export const connectionCases: readonly ConformanceCase[] = [
  {
    rule: "S10",
    name: "requests sent ahead are answered in order",
    bytes: head("GET /1 HTTP/1.1") + head("POST /2 HTTP/1.1", "Content-Length: 3") + "abc" + head("GET /3 HTTP/1.1"),
    answers: [200, 200, 200],
    sees: ["GET /1 ", "POST /2 ", "\r\n\r\nabc", "GET /3 "],
  },
  {
    rule: "S10",
    name: "bytes behind a GET are the next request",
    bytes: `${head(get)}hello${smuggled}`,
    answers: [200, 501],
    closes: true,
    hides: ["hello", "/smuggled"],
  },
  ...["GET", "HEAD", "DELETE", "OPTIONS"].map((method): ConformanceCase => ({
    rule: "S10",
    name: `${method} may have a body when it is framed`,
    bytes: `${head(`${method} / HTTP/1.1`, "Content-Length: 5")}hello`,
    answers: [200],
    sees: ["\r\nContent-Length: 5\r\n", "\r\n\r\nhello"],
  })),
  {
    rule: "S10",
    name: "a body that is a request stays a body",
    bytes: head("POST / HTTP/1.1", `Content-Length: ${smuggled.length}`) + smuggled,
    answers: [200],
    sees: [`\r\n\r\n${smuggled}`],
  },
  forwarded("S10", "POST without framing has no body", head("POST / HTTP/1.1"), {
    sees: ["\r\nContent-Length: 0\r\n"],
  }),
  {
    rule: "S10",
    name: "a malformed request behind a sound one ends the connection",
    bytes: head(get) + head(get, "X : y"),
    answers: [200, 400],
    closes: true,
  },
  { rule: "S10", name: "Connection: close", bytes: head(get, "Connection: close"), answers: [200], closes: true },
  { rule: "S10", name: "close in a list", bytes: head(get, "Connection: x, Close"), answers: [200], closes: true },
  { rule: "S9", name: "HTTP/1.0 ends the connection", bytes: head("GET / HTTP/1.0"), answers: [200], closes: true },
  {
    rule: "S9",
    name: "HTTP/1.0 with keep-alive",
    bytes: head("GET / HTTP/1.0", "Connection: keep-alive"),
    answers: [200],
    sees: ["GET / HTTP/1.1\r\n"],
    gives: ["\r\nConnection: keep-alive\r\n"],
  },
  {
    rule: "S9",
    name: "HTTP/1.0 gets no chunks",
    bytes: head("GET / HTTP/1.0", "Connection: keep-alive"),
    backend: `${bare("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\n\r\n`,
    answers: [200],
    closes: true,
    gives: ["\r\n\r\nok"],
    withholds: ["Transfer-Encoding"],
  },
];
