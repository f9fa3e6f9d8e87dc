import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { findHeadEnd } from "./parse-request.ts";
import { maxResponseFields, type ParsedResponse, parseResponseHead } from "./parse-response.ts";

function parse(lines: readonly string[], method = "GET") {
  const bytes = Buffer.from(`?${lines.join("\r\n")}\r\n\r\nmore`, "latin1");
  return parseResponseHead(bytes, 1, findHeadEnd(bytes, 1), method);
}

function accept(lines: readonly string[], method = "GET"): ParsedResponse {
  const parsed = parse(lines, method);
  assert.ok(parsed.kind === "response", lines.join("|"));
  return parsed;
}

function refuse(...lines: string[]): void {
  const parsed = parse(lines);
  assert.ok(parsed.kind === "fault" && parsed.status === 502, lines.join("|"));
}

const ok = "HTTP/1.1 200 OK";

test("parseResponseHead() gives all that a response says", () => {
  assert.deepEqual(accept([ok, "Server: x", "Content-Length: 5", "Set-Cookie: a", "Set-Cookie: b"]), {
    kind: "response",
    head: {
      status: 200,
      fields: ["Server", "x", "Set-Cookie", "a", "Set-Cookie", "b"],
      contentLength: 5,
      hasBody: true,
      isTunnel: false,
    },
    keepAlive: true,
    framing: "length",
    isInformational: false,
    upgrade: undefined,
  });
});

test("H1: parseResponseHead() drops hop-by-hop fields and those that Connection names", () => {
  const { head } = accept([
    ok,
    "X-Gone: 1",
    "Connection: keep-alive, X-Gone",
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Trailer: X",
    "TE: x",
    "Upgrade: h2c",
    "Via: 1.1 x",
    "X-Forwarded-For: stays, as a backend's own",
  ]);
  assert.deepEqual(head.fields, ["Via", "1.1 x", "X-Forwarded-For", "stays, as a backend's own"]);
});

test("H10: HEAD, 204, 304 and 1xx have no body whatever the fields say", () => {
  const framing = (status: string, method: string, ...fields: string[]) => {
    const { head, framing, keepAlive } = accept([`HTTP/1.1 ${status}`, ...fields], method);
    return [framing, head.hasBody, head.contentLength, keepAlive];
  };
  assert.deepEqual(framing("200 OK", "HEAD", "Content-Length: 5"), ["none", false, 5, true]);
  assert.deepEqual(framing("200 OK", "HEAD", "Transfer-Encoding: chunked"), ["none", false, undefined, true]);
  assert.deepEqual(framing("200 OK", "HEAD"), ["none", false, undefined, true]);
  assert.deepEqual(framing("304 Not Modified", "GET", "Content-Length: 5"), ["none", false, 5, true]);
  assert.deepEqual(framing("204 No Content", "GET"), ["none", false, undefined, true]);
  assert.deepEqual(framing("204 No Content", "GET", "Content-Length: 0"), ["none", false, undefined, true]);
  assert.deepEqual(framing("103 Early Hints", "GET"), ["none", false, undefined, true]);
});

test("S10: a connection with a bodiless response that announces a body takes no other request", () => {
  assert.equal(accept(["HTTP/1.1 204 No Content", "Content-Length: 5"]).keepAlive, false);
  assert.equal(accept(["HTTP/1.1 204 No Content", "Transfer-Encoding: chunked"]).keepAlive, false);
});

test("parseResponseHead() tells how the body ends and whether the connection stays", () => {
  const facts = (...lines: string[]) => {
    const { framing, keepAlive } = accept(lines);
    return `${framing} ${keepAlive}`;
  };
  assert.equal(facts(ok), "close false");
  assert.equal(facts(ok, "Transfer-Encoding: chunked"), "chunked true");
  assert.equal(facts(ok, "Content-Length: 0"), "length true");
  assert.equal(facts(ok, "Content-Length: 0", "Connection: close"), "length false");
  assert.equal(facts("HTTP/1.0 200 OK", "Content-Length: 0"), "length false");
  assert.equal(facts("HTTP/1.0 200 OK", "Content-Length: 0", "Connection: keep-alive"), "length true");
  assert.equal(facts("HTTP/1.1 200"), "close false");
  assert.equal(facts("HTTP/1.1 200 "), "close false");
  assert.equal(facts("HTTP/1.1 599 \xe9 b"), "close false");
});

test("H7: 1xx are told apart from the final answer, and 101 from them", () => {
  for (const status of [100, 102, 103, 199]) assert.ok(accept([`HTTP/1.1 ${status} X`]).isInformational);
  const switching = accept(["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: WebSocket"]);
  assert.deepEqual(
    [switching.isInformational, switching.head.isTunnel, switching.head.hasBody, switching.upgrade],
    [false, true, false, "websocket"],
  );
  assert.equal(accept(["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"]).upgrade, undefined);
  assert.equal(accept([ok, "Connection: Upgrade", "Upgrade: websocket"]).upgrade, undefined);
});

test("S1, S2, S3: doubtful framing from a backend is a 502, also where there is no body", () => {
  for (const status of [ok, "HTTP/1.1 304 Not Modified"]) {
    refuse(status, "Content-Length: 5", "Transfer-Encoding: chunked");
    refuse(status, "Transfer-Encoding: chunked", "Content-Length: 5");
    refuse(status, "Content-Length: 5", "Content-Length: 5");
    for (const value of ["", "5, 5", "+5", "-1", "5 ", "0x5", "18446744073709551616"]) {
      refuse(status, `Content-Length: ${value}`);
    }
    for (const value of ["", "xchunked", "gzip, chunked", "chunked, identity", "\tchunked", "chunked\t"]) {
      refuse(status, `Transfer-Encoding: ${value}`);
    }
    refuse(status, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked");
    refuse(status, "Transfer-Encoding: chunked", "Transfer-Encoding: identity");
    refuse(status, "Content-Length: x", "Content-Length: 5");
  }
  refuse("HTTP/1.0 200 OK", "Transfer-Encoding: chunked");
});

test("S4, S9: malformed lines of a backend are a 502", () => {
  for (const field of ["X : a", " X: a", "X: a\r\n b", ": a", "X", "X: a\0", "X: a\nb", "X: a\rb"]) refuse(ok, field);
  for (
    const line of [
      "",
      "HTTP/1.2 200 OK",
      "HTTP/2.0 200 OK",
      "HTTP/0.9 200 OK",
      "http/1.1 200 OK",
      "HTTP/1.1  200 OK",
      "HTTP/1.1 20 OK",
      "HTTP/1.1 2000 OK",
      "HTTP/1.1 099 OK",
      "HTTP/1.1 600 OK",
      "HTTP/1.1 2x0 OK",
      "HTTP/1.1 200\tOK",
      "HTTP/1.1 200 O\0K",
      "HTTP/1.1 200 O\nK",
      "HTTP/1.1",
      "ICY 200 OK",
      " HTTP/1.1 200 OK",
    ]
  ) refuse(line);
});

test("parseResponseHead() refuses too many fields", () => {
  const fields = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: y`);
  accept([ok, ...fields(maxResponseFields)]);
  refuse(ok, ...fields(maxResponseFields + 1));
});
