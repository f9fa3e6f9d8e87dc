import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, property, tuple } from "fast-check";
import { valuesOf } from "./check-request.ts";
import { toBackendFields, toClientFields, toRequestId, toTrailerFields } from "./header-fields.ts";

const facts = { host: "a.test:8443", clientAddress: "192.0.2.7", port: 8443, requestId: "r1", framing: [] };

test("toBackendFields() drops what the client says about itself and what ends here", () => {
  const fields = toBackendFields([
    ...["Host", "a.test:8443", "Accept", "*/*", "X-Forwarded-For", "1.1.1.1", "x_forwarded_for", "1.1.1.1"],
    ...["X-Real-IP", "1.1.1.1", "Forwarded", "for=1.1.1.1", "X-Request-Id", "evil", "X-Forwarded-Prefix", "/x"],
    ...["Connection", "close, X-Secret", "X-Secret", "1", "Keep-Alive", "5", "TE", "gzip", "Upgrade", "h2c"],
    ...["Proxy-Authorization", "x", "Cookie", "a=1", "Cookie", "b=2"],
  ], facts);
  assert.deepEqual(fields, [
    ...["Host", "a.test:8443", "Accept", "*/*", "Cookie", "a=1", "Cookie", "b=2", "Via", "1.1 mc-proxy"],
    ...["X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "a.test:8443"],
    ...["X-Forwarded-Port", "8443", "X-Real-IP", "192.0.2.7"],
    ...["Forwarded", 'for=192.0.2.7;host="a.test:8443";proto=https', "X-Request-Id", "r1"],
  ]);
});

test("toBackendFields() quotes IPv6 addresses in Forwarded", () => {
  const fields = toBackendFields([], { ...facts, clientAddress: "2001:db8::1" });
  assert.deepEqual(valuesOf(fields, "forwarded"), ['for="[2001:db8::1]";host="a.test:8443";proto=https']);
});

test("toBackendFields() cannot be made to drop or double what it writes", () => {
  const names = constantFrom(
    "Connection",
    "X-Forwarded-For",
    "x-real-ip",
    "Host",
    "Content-Length",
    "Accept",
    "VIA",
    "forwarded",
  );
  check(property(array(tuple(names, names)), (pairs) => {
    const fields = toBackendFields(pairs.flat(), facts);
    for (const name of ["host", "x-forwarded-for", "x-real-ip", "forwarded", "x-request-id"]) {
      assert.equal(valuesOf(fields, name).length, 1, name);
    }
    assert.equal(valuesOf(fields, "connection").length, 0);
    assert.equal(valuesOf(fields, "content-length").length, 0);
  }));
});

test("toClientFields() drops hop-by-hop fields and keeps the length whatever Connection names", () => {
  const fields = toClientFields([
    "Connection",
    "content-length, X-A",
    "Content-Length",
    "5",
    "X-A",
    "1",
    "Set-Cookie",
    "a",
    "Set-Cookie",
    "b",
  ]);
  assert.deepEqual(fields, ["Content-Length", "5", "Set-Cookie", "a", "Set-Cookie", "b"]);
});

test("toTrailerFields() keeps what may come after a body", () => {
  const trailers = [
    "Digest",
    "x",
    "Content-Length",
    "5",
    "Host",
    "b",
    "Set-Cookie",
    "a",
    "grpc-status",
    "0",
    "Transfer-Encoding",
    "x",
  ];
  assert.deepEqual(toTrailerFields(trailers), [["Digest", "x"], ["grpc-status", "0"]]);
});

test("toRequestId() takes one sane id, else a new one", () => {
  const newId = () => "new";
  assert.equal(toRequestId(["X-Request-Id", "abc-1.2_3"], newId), "abc-1.2_3");
  for (
    const headers of [[], ["X-Request-Id", "a b"], ["X-Request-Id", "a", "x-request-id", "b"], [
      "X-Request-Id",
      "a".repeat(65),
    ]]
  ) {
    assert.equal(toRequestId(headers, newId), "new");
  }
});
