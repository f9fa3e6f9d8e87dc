import { bare, type ConformanceCase, head, smuggled } from "../conformance-case.ts";

const chunked = head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Trailer: X-Sum");

function malformed(name: string, ...trailers: string[]): ConformanceCase {
  return {
    rule: "S7",
    name,
    bytes: `${chunked}5\r\nhello\r\n0\r\n${trailers.join("\r\n")}\r\n\r\n${smuggled}`,
    answers: [400],
    closes: true,
    begins: true,
    hides: ["GET /smuggled"],
  };
}

/** Fields behind a chunked body (RFC 9110 §6.5.1). */
export const trailerCases: readonly ConformanceCase[] = [
  malformed("Content-Length", "Content-Length: 5"),
  malformed("Transfer-Encoding", "Transfer-Encoding: chunked"),
  malformed("Host", "Host: b.test"),
  malformed("a blank before the colon", "X : a"),
  malformed("a folded line", "X: a", " b"),
  malformed("no name", ": a"),
  malformed("no colon", "X"),
  malformed("NUL", "X: a\0"),
  malformed("a bare CR", "X: a\rb"),
  malformed("LF alone", "X: a\nY: b"),
  malformed("101 fields", ...Array.from({ length: 101 }, (_, index) => `X-${index}: y`)),
  malformed("17 KiB", `X: ${"y".repeat(17_000)}`),
  {
    rule: "H11",
    name: "trailers that a server would act on are dropped, others pass",
    bytes:
      `${chunked}5\r\nhello\r\n0\r\nX-Sum: 1\r\nCookie: gone\r\nAuthorization: gone\r\nX-Forwarded-For: gone\r\nConnection: gone\r\n\r\n`,
    answers: [200],
    sees: ["\r\n0\r\nX-Sum: 1\r\n\r\n"],
    hides: ["gone"],
  },
  {
    rule: "H11",
    name: "a backend's trailers reach who takes them",
    bytes: head("GET / HTTP/1.1", "TE: trailers", "Connection: TE"),
    backend: `${
      bare("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
    }2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: gone\r\n\r\n`,
    answers: [200],
    sees: ["\r\nTE: trailers\r\n"],
    gives: ["\r\n0\r\nX-Sum: 1\r\n\r\n"],
    withholds: ["gone"],
  },
  {
    rule: "H11",
    name: "a backend's trailers do not reach who did not say so",
    bytes: head("GET / HTTP/1.1"),
    backend: `${bare("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`,
    answers: [200],
    hides: ["TE: "],
    withholds: ["X-Sum"],
  },
];
