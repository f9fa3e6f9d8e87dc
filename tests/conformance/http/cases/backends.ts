import { bare, type ConformanceCase, head } from "../conformance-case.ts";

const get = head("GET / HTTP/1.1");
const headRequest = head("HEAD / HTTP/1.1");
const ok = "HTTP/1.1 200 OK";
const chunks = "5\r\nhello\r\n0\r\n\r\n";

/** An answer that is replaced by 502. */
function hostile(rule: string, name: string, backend: string): ConformanceCase {
  return {
    rule,
    name: `a backend's ${name}`,
    bytes: get,
    backend,
    endsConnection: true,
    answers: [502],
    withholds: ["hello"],
  };
}

/** An answer that breaks off behind its head, so that nobody takes it for complete. */
function cut(rule: string, name: string, backend: string): ConformanceCase {
  return {
    rule,
    name: `a backend's ${name}`,
    bytes: get,
    backend,
    endsConnection: true,
    answers: [200],
    closes: true,
    isCut: true,
  };
}

const badLengths = ["5, 6", "5, 5", "+5", "-1", "5 ", "0x5", "18446744073709551616", ""];
const badCodings = ["xchunked", "chunked, identity", "gzip, chunked", "\tchunked", "chunked\x0b", ""];
const badFields: Readonly<Record<string, string>> = {
  "folded value": "X: a\r\n b",
  "blank before the colon": "X : a",
  "field without a name": ": a",
  "line without a colon": "X",
  "NUL": "X: a\0",
  "bare CR": "X: a\rb",
  "bare LF": "X: a\nb",
};
const badStatusLines = [
  "HTTP/1.2 200 OK",
  "HTTP/2.0 200 OK",
  "HTTP/0.9 200 OK",
  "http/1.1 200 OK",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 2000 OK",
  "HTTP/1.1 999 OK",
  "HTTP/1.1  200 OK",
  "ICY 200 OK",
  "hello",
];

/** An answer whose status leaves no place for the body behind it. */
function bodiless(rule: string, name: string, backend: string): ConformanceCase {
  return { rule, name, bytes: get, backend, answers: [Number(backend.slice(9, 12))], withholds: ["hello"] };
}

/** Answers of backends: no more leeway than for clients (RFC 9112 §11.1). */
export const backendCases: readonly ConformanceCase[] = [
  hostile("S1", "length and coding", `${bare(ok, "Content-Length: 5", "Transfer-Encoding: chunked")}${chunks}`),
  hostile("S1", "coding and length", `${bare(ok, "Transfer-Encoding: chunked", "Content-Length: 5")}${chunks}`),
  hostile("S2", "two lengths", `${bare(ok, "Content-Length: 5", "Content-Length: 6")}hello`),
  hostile("S2", "two equal lengths", `${bare(ok, "Content-Length: 5", "Content-Length: 5")}hello`),
  ...badLengths.map((value) =>
    hostile("S2", `length of ${JSON.stringify(value)}`, `${bare(ok, `Content-Length: ${value}`)}hello`)
  ),
  ...badCodings.map((value) =>
    hostile("S3", `coding of ${JSON.stringify(value)}`, bare(ok, `Transfer-Encoding: ${value}`) + chunks)
  ),
  hostile("S3", "chunks in HTTP/1.0", `${bare("HTTP/1.0 200 OK", "Transfer-Encoding: chunked")}${chunks}`),
  ...Object.entries(badFields).map(([what, field]) =>
    hostile("S4", what, `${bare(ok, field, "Content-Length: 5")}hello`)
  ),
  hostile("S4", "head of LF alone", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
  ...badStatusLines.map((line) =>
    hostile("S9", `status line ${JSON.stringify(line)}`, `${bare(line, "Content-Length: 5")}hello`)
  ),
  // A body that is on its way is never sent a second time (H12).
  { ...hostile("H13", "silence", ""), bytes: `${head("POST / HTTP/1.1", "Content-Length: 4")}data` },
  hostile("H13", "half a head", "HTTP/1.1 200 OK\r\nContent-"),
  cut("S6", "malformed chunk", `${bare(ok, "Transfer-Encoding: chunked")}5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n`),
  cut("S6", "chunk that ends in LF", `${bare(ok, "Transfer-Encoding: chunked")}5\r\nhello\n0\r\n\r\n`),
  cut("S7", "framing trailer", `${bare(ok, "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n`),
  cut("H10", "chunks without an end", `${bare(ok, "Transfer-Encoding: chunked")}5\r\nhello\r\n`),
  cut("H10", "body shorter than its length", `${bare(ok, "Content-Length: 10")}hello`),
  ...["Content-Length: 5", "Transfer-Encoding: chunked"].map((field) => ({
    ...bodiless("H10", `an answer with ${field} to HEAD has no body`, bare(ok, field)),
    bytes: headRequest,
  })),
  {
    ...bodiless("S10", "bytes behind an answer to HEAD belong to nobody", `${bare(ok, "Content-Length: 5")}hello`),
    bytes: headRequest,
  },
  bodiless("H10", "a 204 has no body", `${bare("HTTP/1.1 204 No Content", "Content-Length: 5")}hello`),
  bodiless("H10", "a 304 has no body", `${bare("HTTP/1.1 304 Not Modified", "Content-Length: 5")}hello`),
  {
    rule: "S10",
    name: "what a backend sends behind its answer belongs to nobody",
    bytes: get,
    backend: `${bare(ok, "Content-Length: 2")}ok${bare(ok, "Content-Length: 8")}poisoned`,
    answers: [200],
    withholds: ["poisoned"],
  },
  {
    rule: "H10",
    name: "a body that ends with the connection is whole",
    bytes: get,
    backend: `${bare(ok)}hello`,
    endsConnection: true,
    answers: [200],
    gives: ["5\r\nhello\r\n", "\r\n0\r\n\r\n"],
  },
  {
    rule: "S9",
    name: "a backend that speaks HTTP/1.0",
    bytes: get,
    backend: `${bare("HTTP/1.0 200 OK")}hello`,
    endsConnection: true,
    answers: [200],
    gives: ["HTTP/1.1 200 OK\r\n", "hello"],
  },
];
