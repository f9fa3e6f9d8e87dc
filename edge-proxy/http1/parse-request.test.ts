import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { RequestHead } from "../l7/streams.ts";
import type { HeadFault } from "./head-fault.ts";
import { findHeadEnd, type ParsedRequest, parseRequestHead } from "./parse-request.ts";

function parseText(text: string): ParsedRequest | HeadFault {
  const bytes = Buffer.from(`??${text}more`, "latin1");
  const end = findHeadEnd(bytes, 2);
  assert.notEqual(end, -1, "the test's own head is complete");
  return parseRequestHead(bytes, 2, end);
}

function parse(line: string, ...fields: string[]): ParsedRequest | HeadFault {
  return parseText(`${[line, "Host: a.test", ...fields].join("\r\n")}\r\n\r\n`);
}

function accept(line: string, ...fields: string[]): ParsedRequest {
  const parsed = parse(line, ...fields);
  assert.equal(parsed.kind, "request", parsed.kind === "fault" ? parsed.reason : "");
  assert.ok(parsed.kind === "request");
  return parsed;
}

function headOf(...fields: string[]): RequestHead {
  return accept("POST / HTTP/1.1", ...fields).head;
}

function statusOf(line: string, ...fields: string[]): number {
  const parsed = parse(line, ...fields);
  return parsed.kind === "fault" ? parsed.status : 200;
}

test("parseRequestHead() gives all that a request says", () => {
  assert.deepEqual(accept("GET /x?y=%20 HTTP/1.1", "Accept: */*", "accept: b", "X-Empty:"), {
    kind: "request",
    head: {
      version: "1.1",
      method: "GET",
      path: "/x?y=%20",
      authority: "a.test",
      fields: ["Accept", "*/*", "accept", "b", "X-Empty", ""],
      bodyLength: 0,
      expectsContinue: false,
      acceptsTrailers: false,
      upgrade: undefined,
      via: "",
      claimedFor: "",
      claimedId: "",
    },
    keepAlive: true,
    isChunked: false,
  });
});

test("H1: parseRequestHead() drops hop-by-hop fields and those that Connection names, wherever it stands", () => {
  const { fields } = headOf(
    "X-Before: 1",
    "Keep-Alive: timeout=5",
    "Connection: x-before, X-After ,close",
    "Proxy-Connection: keep-alive",
    "TE: gzip",
    "Trailer: X",
    "Upgrade: x",
    "Proxy-Authorization: Basic eA==",
    "Proxy-Authenticate: Basic",
    "HTTP2-Settings: AAMAAABk",
    "X-AFTER: 2",
    "X-Stays: 3",
    "Connection: x-other",
    "X-Other: 4",
  );
  assert.deepEqual(fields, ["X-Stays", "3"]);
});

test("H1: a client cannot name away what we count, nor the framing", () => {
  const head = headOf("Connection: Via, X-Forwarded-For, Content-Length, Host", "Via: 1.1 x", "Content-Length: 3");
  assert.deepEqual([head.via, head.bodyLength, head.authority], ["1.1 x", 3, "a.test"]);
});

test("H2: a fifth pass of the same proxy is a loop", () => {
  const via = (times: number) => `Via: ${Array.from({ length: times }, () => "1.1 mc-proxy").join(", ")}`;
  assert.equal(statusOf("GET / HTTP/1.1", via(4)), 200);
  assert.equal(statusOf("GET / HTTP/1.1", via(5)), 508);
  assert.equal(statusOf("GET / HTTP/1.1", via(3), via(2)), 508);
  assert.equal(statusOf("GET / HTTP/1.1", `Via: ${"2 mc-proxy (x),".repeat(5)}`), 508);
  assert.equal(statusOf("GET / HTTP/1.1", `Via: ${"1.1 x-mc-proxy,".repeat(9)}`), 200);
  assert.equal(headOf("Via: 1.0 a", "Via: 1.1 b").via, "1.0 a, 1.1 b");
});

test("H3: parseRequestHead() takes fields that only a proxy may write out, with their look-alikes", () => {
  const head = headOf(
    "X-Forwarded-For: 1.2.3.4",
    "X-Forwarded-For: 5.6.7.8",
    "X_Forwarded_For: 9.9.9.9",
    "X-Forwarded-Proto: http",
    "X-Forwarded-User: admin",
    "X-Real-IP: 1.2.3.4",
    "X_Real_IP: 1.2.3.4",
    "Forwarded: for=1.2.3.4",
    "Transfer_Encoding: chunked",
    "Content_Length: 5",
    "X-Request-Id: abc.1-2_3",
  );
  assert.deepEqual(head.fields, []);
  assert.deepEqual([head.claimedFor, head.claimedId], ["1.2.3.4, 5.6.7.8", "abc.1-2_3"]);
});

test("H3: an id is believed only when it is one sane word", () => {
  for (const id of ["a b", "a\xe9", "", "x".repeat(65), "a<b"]) {
    assert.equal(headOf(`X-Request-Id: ${id}`).claimedId, "");
  }
  assert.equal(headOf("X-Request-Id: a", "X-Request-Id: a").claimedId, "");
  assert.equal(headOf("X-Request-Id: a", "X-Request-Id: a", "X-Request-Id: a").claimedId, "");
});

test("H4, S8: there is exactly one valid Host, in absolute form too", () => {
  for (const line of ["GET / HTTP/1.1", "GET / HTTP/1.0", "GET http://a.test/ HTTP/1.1"]) {
    for (
      const host of ["", "X: y\r\n", "Host:\r\n", "Host: a b\r\n", "Host: a,b\r\n", "Host: u@a\r\n", "Host: a/\r\n"]
    ) {
      const parsed = parseText(`${line}\r\n${host}\r\n`);
      assert.ok(parsed.kind === "fault" && parsed.status === 400, `${line} ${host}`);
    }
    assert.equal(statusOf(line, "Host: a.test"), 400, "twice");
    assert.equal(statusOf(line, "host: b.test"), 400, "twice");
  }
  assert.equal(parseText("GET / HTTP/1.1\r\nHost : a.test\r\n\r\n").kind, "fault");
});

test("H4: the authority of an absolute target overrides the Host", () => {
  const { head } = accept("GET HTTP://B.test:81/x?y HTTP/1.1");
  assert.deepEqual([head.authority, head.path], ["B.test:81", "/x?y"]);
  assert.equal(accept("GET https://b.test HTTP/1.1").head.path, "/");
  assert.equal(accept("GET https://b.test?q HTTP/1.1").head.path, "/?q");
  assert.equal(accept("OPTIONS https://b.test HTTP/1.1").head.path, "*");
  for (const target of ["http://", "http:///x", "http://u@b/x", "http://a b/", "ftp://b/", "https:/b/", "//"]) {
    assert.equal(statusOf(`GET ${target} HTTP/1.1`), target === "//" ? 200 : 400, target);
  }
});

test("H6: CONNECT and TRACE are refused", () => {
  assert.equal(statusOf("CONNECT a.test:443 HTTP/1.1"), 405);
  assert.equal(statusOf("TRACE / HTTP/1.1"), 405);
});

test("H8: 100-continue is kept for who waits for it, other expectations get 417", () => {
  assert.equal(headOf("Expect: 100-Continue", "Content-Length: 3").expectsContinue, true);
  assert.equal(headOf("Expect: 100-continue", "Transfer-Encoding: chunked").expectsContinue, true);
  assert.equal(headOf("Expect: 100-continue").expectsContinue, false);
  assert.equal(accept("POST / HTTP/1.0", "Expect: 100-continue", "Content-Length: 3").head.expectsContinue, false);
  for (const value of ["", "200-ok", "100-continue, x", "x=100-continue"]) {
    assert.equal(statusOf("POST / HTTP/1.1", `Expect: ${value}`), 417);
  }
  assert.deepEqual(headOf("Expect: 100-continue", "Content-Length: 3").fields, []);
});

test("H9: one upgrade token is taken over when Connection says so; never h2c", () => {
  const upgradeOf = (line: string, ...fields: string[]) => accept(line, ...fields).head.upgrade;
  assert.equal(upgradeOf("GET / HTTP/1.1", "Connection: keep-alive, Upgrade", "Upgrade: WebSocket"), "websocket");
  assert.equal(upgradeOf("GET / HTTP/1.1", "Upgrade: websocket"), undefined);
  assert.equal(upgradeOf("GET / HTTP/1.1", "Connection: upgrade"), undefined);
  assert.equal(upgradeOf("GET / HTTP/1.0", "Connection: upgrade", "Upgrade: websocket"), undefined);
  for (const value of ["h2c", "H2C", "websocket, h2c", "h2c, websocket", "HTTP/2.0", "a b", ","]) {
    assert.equal(upgradeOf("GET / HTTP/1.1", "Connection: upgrade", `Upgrade: ${value}`), undefined, value);
  }
  const twice = ["Connection: upgrade", "Upgrade: websocket", "Upgrade: websocket"];
  assert.equal(upgradeOf("GET / HTTP/1.1", ...twice), undefined);
});

test("H11: TE says whether the client takes trailers", () => {
  assert.equal(headOf("TE: gzip;q=0.5, Trailers").acceptsTrailers, true);
  assert.equal(headOf("TE: trailers", "TE: gzip").acceptsTrailers, true);
  assert.equal(headOf("TE: xtrailers").acceptsTrailers, false);
});

test("H14: the path is given byte for byte", () => {
  for (const path of ["/", "//x", "/a/../b", "/%2F%2e", "/?a?b", "/;a=b", "/a\\b", "/'\"<>|"]) {
    assert.equal(accept(`GET ${path} HTTP/1.1`).head.path, path);
  }
  assert.equal(accept("OPTIONS * HTTP/1.1").head.path, "*");
});

test("H14, S8: blanks, controls, fragments and targets of other forms are refused", () => {
  for (
    const target of [
      "",
      "*",
      "x",
      "a.test:443",
      "/#x",
      "/a b",
      "/a\tb",
      "/a\0",
      "/\x7f",
      "?x",
      "/a\x0bb",
      "/x#",
      "/\xc3\xa9",
    ]
  ) {
    assert.equal(statusOf(`GET ${target} HTTP/1.1`), 400, JSON.stringify(target));
  }
  assert.equal(statusOf(`GET /${"x".repeat(8191)} HTTP/1.1`), 200);
  assert.equal(statusOf(`GET /${"x".repeat(8192)} HTTP/1.1`), 414);
});

test("S1: Content-Length with Transfer-Encoding is refused, in either order", () => {
  assert.equal(statusOf("POST / HTTP/1.1", "Content-Length: 3", "Transfer-Encoding: chunked"), 400);
  assert.equal(statusOf("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 3"), 400);
  assert.equal(statusOf("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 0"), 400);
});

test("S2: there is one Content-Length of digits alone", () => {
  assert.equal(headOf("Content-Length: 5").bodyLength, 5);
  assert.equal(headOf("content-length:0").bodyLength, 0);
  assert.equal(headOf("Content-Length:   007").bodyLength, 7);
  assert.equal(headOf("Content-Length: 999999999999999").bodyLength, 999_999_999_999_999);
  const malformed =
    "|5, 6|5,5|+5|-1|5 |5\t|\t5|0x5|5.0|5e1|18446744073709551616|1000000000000000|٣|5 5|\x0b5|5;|NaN|Infinity";
  for (const value of malformed.split("|")) {
    assert.equal(statusOf("POST / HTTP/1.1", `Content-Length: ${value}`), 400, JSON.stringify(value));
  }
  assert.equal(statusOf("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 5"), 400);
  assert.equal(statusOf("POST / HTTP/1.1", "Content-Length: 5", "content-length: 6"), 400);
});

test("S3: Transfer-Encoding is `chunked` alone, in HTTP/1.1", () => {
  const parsed = accept("POST / HTTP/1.1", "Transfer-Encoding: CHUNKED");
  assert.deepEqual([parsed.isChunked, parsed.head.bodyLength, parsed.head.fields], [true, undefined, []]);
  const malformed =
    '|xchunked|chunked, identity|identity|chunked, chunked|chunked,|,chunked|chunked;q=1|\tchunked|chunked\t|chunked |\x0bchunked|chunked\x0b|"chunked"|gzip|chunked gzip';
  for (const value of malformed.split("|")) {
    assert.equal(statusOf("POST / HTTP/1.1", `Transfer-Encoding: ${value}`), 400, JSON.stringify(value));
  }
  assert.equal(statusOf("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked"), 501);
  assert.equal(statusOf("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400);
  assert.equal(statusOf("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), 400);
  assert.equal(statusOf("POST / HTTP/1.0", "Transfer-Encoding: chunked"), 400);
});

test("S4: folded lines, blanks before the colon, and controls are refused", () => {
  for (const field of ["X: a\r\n b", "X: a\r\n\tb", " X: a", "X : a", ": a", "X", "X: a\0", "X: a\rb", "X: a\nb"]) {
    assert.equal(statusOf("GET / HTTP/1.1", field), 400, JSON.stringify(field));
  }
});

test("S5, S9: a request line is three words, and the version is 1.0 or 1.1", () => {
  for (const line of ["GET /x", "GET /x ", "GET", "", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1"]) {
    assert.equal(statusOf(line), 400, line);
  }
  for (
    const version of ["http/1.1", "HTTP/1", "HTTP/11", "HTTP/1.1 ", "HTTP/1.10", "HTTP/x.1", "HTTPS/1.1", "HTTP/1,1"]
  ) {
    assert.equal(statusOf(`GET / ${version}`), 400, version);
  }
  for (const version of ["HTTP/1.2", "HTTP/2.0", "HTTP/3.7", "HTTP/0.9", "HTTP/9.9"]) {
    assert.equal(statusOf(`GET / ${version}`), 505, version);
  }
  for (const method of ["get", "Get", "G|T", "A".repeat(33)]) {
    assert.equal(statusOf(`${method} / HTTP/1.1`), 501, method);
  }
  for (const method of ["G(T", "G\tT", "G\0", "\xe9"]) assert.equal(statusOf(`${method} / HTTP/1.1`), 400, method);
  assert.equal(statusOf("M-SEARCH / HTTP/1.1"), 200);
});

test("S10: a request without framing has no body", () => {
  for (const method of ["GET", "HEAD", "DELETE", "POST"]) {
    assert.equal(accept(`${method} / HTTP/1.1`).head.bodyLength, 0);
  }
});

test("parseRequestHead() tells whether the connection stays open", () => {
  const stays = (line: string, ...fields: string[]) => accept(line, ...fields).keepAlive;
  assert.equal(stays("GET / HTTP/1.1"), true);
  assert.equal(stays("GET / HTTP/1.1", "Connection: Close"), false);
  assert.equal(stays("GET / HTTP/1.1", "Connection: keep-alive, close"), false);
  assert.equal(stays("GET / HTTP/1.0"), false);
  assert.equal(stays("GET / HTTP/1.0", "Connection: Keep-Alive"), true);
  assert.equal(stays("GET / HTTP/1.0", "Connection: keep-alive", "Connection: close"), false);
});

test("LIM3: more than 100 fields get 431", () => {
  const fields = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: y`);
  assert.equal(statusOf("GET / HTTP/1.1", ...fields(99)), 200);
  assert.equal(statusOf("GET / HTTP/1.1", ...fields(100)), 431);
});
