import { bare, caseHost, type ConformanceCase, forwarded, head, refused, smuggled } from "../conformance-case.ts";

const get = "GET / HTTP/1.1";

function withField(field: string): string {
  return head(get, field);
}

const badFields: Readonly<Record<string, string>> = {
  "a folded value": "X: a\r\n b",
  "a value folded by a tab": "X: a\r\n\tb",
  "a folded framing field": "Transfer-Encoding:\r\n chunked",
  "a blank before the colon": "X : a",
  "a tab before the colon": "X\t: a",
  "a blank before the colon of Transfer-Encoding": "Transfer-Encoding : chunked",
  "a blank before the colon of Content-Length": "Content-Length : 5",
  "no name": ": a",
  "no colon": "X",
  "a bracket in the name": "X(: a",
  "a letter above ASCII in the name": "X\xe9: a",
  "NUL in the name": "X\0: a",
  "NUL in the value": "X: a\0b",
  "a bare CR in the value": "X: a\rb",
  "a bare CR before a field": "X: a\rTransfer-Encoding: chunked",
  "a bare LF between fields": "X: a\nTransfer-Encoding: chunked",
  "CR CR LF": "X: a\r",
  "a vertical tab in the value": "X: a\x0b",
  "DEL in the value": "X: a\x7f",
};

const badRequestLines: Readonly<Record<string, string>> = {
  "two blanks": "GET  / HTTP/1.1",
  "two blanks before the version": "GET /  HTTP/1.1",
  "a tab": "GET\t/ HTTP/1.1",
  "a blank before": " GET / HTTP/1.1",
  "a blank behind": "GET / HTTP/1.1 ",
  "no version": "GET /x",
  "no target": "GET HTTP/1.1",
  "a fourth word": "GET / x HTTP/1.1",
  "a lower-case version": "GET / http/1.1",
  "another protocol": "GET / HTTPS/1.1",
  "a long version": "GET / HTTP/1.10",
  "a short version": "GET / HTTP/1",
  "a comma in the version": "GET / HTTP/1,1",
  "a bracket in the method": "G[T / HTTP/1.1",
  "NUL in the method": "G\0T / HTTP/1.1",
};

/** What can never become a head, so that nobody need wait for its end. */
const hopeless: Readonly<Record<string, string>> = {
  "a line of LF alone": "GET / HTTP/1.1\n",
  "an empty line of LF": "\n",
  "a bare CR": "GET / HTTP/1.1\rHost: a.test",
  "NUL": "GET /\0",
  "TLS within TLS": "\x16\x03\x01\x02\x00",
  "an end in LF LF": `GET / HTTP/1.1\r\nHost: ${caseHost}\n\n`,
};

/** Lines that are read differently, or from different places. */
export const lineCases: readonly ConformanceCase[] = [
  ...Object.entries(badFields).map(([what, field]) => refused("S4", what, withField(field))),
  refused("S4", "a folded line right behind the request line", `GET / HTTP/1.1\r\n Host: ${caseHost}\r\n\r\n`),
  refused("S4", "LF alone everywhere", `GET / HTTP/1.1\nHost: ${caseHost}\n\n`),
  refused("S4", "CR alone everywhere", `GET / HTTP/1.1\rHost: ${caseHost}\r\r`),
  refused("S4", "an end in LF LF", `GET / HTTP/1.1\r\nHost: ${caseHost}\r\nX: a\n\n`),
  refused("S4", "an end in LF CRLF", `GET / HTTP/1.1\r\nHost: ${caseHost}\r\nX: a\n\r\n`),
  ...Object.entries(hopeless).map(([what, bytes]) => ({
    ...refused("S4", `${what}, at once`, bytes),
    isAlone: true,
  })),
  forwarded("S4", "one empty line before the request", `\r\n${head(get)}`),
  refused("S4", "two empty lines before the request", `\r\n\r\n${head(get)}`),
  refused("S4", "an empty line of LF before the request", `\n${head(get)}`),
  forwarded("S4", "values above ASCII pass", withField("X: \xe9\xff"), { sees: ["X: \xe9\xff\r\n"] }),
  forwarded("S4", "blanks around a value are not passed on", withField("X: \t a \tb \t "), { sees: ["X: a \tb\r\n"] }),
  ...Object.entries(badRequestLines).map(([what, line]) => refused("S5", `a request line with ${what}`, head(line))),
  refused("S5", "HTTP/0.9 in one line of LF", `GET /x\n${smuggled}`),
  refused("S5", "HTTP/0.9 in one line of LF with fields", `GET /x\nHost: ${caseHost}\r\n\r\n`),
  refused("S5", "HTTP/0.9 in one line of CRLF", bare("GET /x")),
  ...["1.2", "2.0", "3.7", "0.9", "9.9"].map((version) =>
    refused("S9", `HTTP/${version}`, head(`GET / HTTP/${version}`), 505)
  ),
  refused("S9", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
  refused("S5", "a method in lower case", head("get / HTTP/1.1"), 501),
  refused("S5", "a method without end", head(`${"A".repeat(40)} / HTTP/1.1`), 501),
  refused("S4", "TLS within TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
  refused("LIM3", "101 fields", head(get, ...Array.from({ length: 100 }, (_, index) => `X-${index}: y`)), 431),
  refused("LIM3", "a head of 17 KiB", head(get, `X: ${"y".repeat(17_000)}`), 431),
  refused("LIM3", "a head of 17 KiB without end", `${get}\r\nX: ${"y".repeat(17_000)}`, 431),
  refused("LIM3", "a target of 9 KiB", head(`GET /${"y".repeat(9_000)} HTTP/1.1`), 414),
];
