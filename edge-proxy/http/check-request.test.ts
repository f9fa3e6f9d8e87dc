import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRequest, type RequestHead } from "./check-request.ts";

function head(changes: Partial<RequestHead> = {}): RequestHead {
  return { method: "GET", target: "/", httpVersion: "1.1", rawHeaders: ["Host", "a.test"], ...changes };
}

function statusOf(changes: Partial<RequestHead>): number {
  const checked = checkRequest(head(changes), "a.test");
  return checked.kind === "rejected" ? checked.status : 200;
}

test("checkRequest() accepts the host in any case, with a port or a trailing dot", () => {
  for (const host of ["a.test", "A.Test", "a.test:8443", "a.test.", "a.test.:443"]) {
    assert.deepEqual(checkRequest(head({ rawHeaders: ["Host", host] }), "a.test"), {
      kind: "accepted",
      host,
      path: "/",
      hasBody: false,
    });
  }
});

test("checkRequest() takes the authority of an absolute target instead of the Host", () => {
  const checked = checkRequest(head({ target: "https://a.test/x?y", rawHeaders: ["Host", "other.test"] }), "a.test");
  assert.deepEqual(checked, { kind: "accepted", host: "a.test", path: "/x?y", hasBody: false });
  assert.equal(statusOf({ target: "https://other.test/x" }), 421);
  const bare = checkRequest(head({ target: "http://a.test?q" }), "a.test");
  assert.equal(bare.kind === "accepted" && bare.path, "/?q");
});

const rejected: [string, number, Partial<RequestHead>][] = [
  ["another host", 421, { rawHeaders: ["Host", "b.test"] }],
  ["no Host", 400, { rawHeaders: [] }],
  ["two Hosts", 400, { rawHeaders: ["Host", "a.test", "host", "a.test"] }],
  ["a blank in Host", 400, { rawHeaders: ["Host", "a.test b"] }],
  ["a list in Host", 400, { rawHeaders: ["Host", "a.test,b.test"] }],
  ["user information in Host", 400, { rawHeaders: ["Host", "u@a.test"] }],
  ["a path in Host", 400, { rawHeaders: ["Host", "a.test/x"] }],
  ["HTTP/0.9", 400, { httpVersion: "0.9" }],
  ["chunked in HTTP/1.0", 400, { httpVersion: "1.0", rawHeaders: ["Host", "a.test", "Transfer-Encoding", "chunked"] }],
  ["gzip, chunked", 501, { rawHeaders: ["Host", "a.test", "Transfer-Encoding", "gzip, chunked"] }],
  ["xchunked", 501, { rawHeaders: ["Host", "a.test", "Transfer-Encoding", "xchunked"] }],
  ["chunked twice", 400, {
    rawHeaders: ["Host", "a.test", "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"],
  }],
  ["length and chunked", 400, {
    rawHeaders: ["Host", "a.test", "Content-Length", "3", "Transfer-Encoding", "chunked"],
  }],
  ["two lengths", 400, { rawHeaders: ["Host", "a.test", "Content-Length", "3", "Content-Length", "3"] }],
  ["a signed length", 400, { rawHeaders: ["Host", "a.test", "Content-Length", "+3"] }],
  ["a fragment", 400, { target: "/x#y" }],
  ["an asterisk with GET", 400, { target: "*" }],
  ["a relative target", 400, { target: "x" }],
  ["CONNECT", 405, { method: "CONNECT", target: "a.test:443" }],
  ["TRACE", 405, { method: "TRACE" }],
  ["101 fields", 431, { rawHeaders: ["Host", "a.test", ...Array.from({ length: 200 }, () => "x")] }],
  ["a loop", 508, {
    rawHeaders: ["Host", "a.test", "Via", Array.from({ length: 5 }, () => "1.1 mc-proxy").join(", ")],
  }],
];

for (const [what, status, changes] of rejected) {
  test(`checkRequest() answers ${status} to ${what}`, () => assert.equal(statusOf(changes), status));
}
