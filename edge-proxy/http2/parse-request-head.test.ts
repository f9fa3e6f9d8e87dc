import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, oneof, property, string, tuple } from "fast-check";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { parseRequestHead } from "./parse-request-head.ts";

const target = [":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.test"];

function resultOf(raw: readonly string[], endsStream = true): string {
  const parsed = parseRequestHead(raw, endsStream);
  return parsed.kind === "refused" ? String(parsed.status) : parsed.kind;
}

function headOf(raw: readonly string[], endsStream = true) {
  const parsed = parseRequestHead(raw, endsStream);
  assert.equal(parsed.kind, "request");
  return parsed.kind === "request" ? parsed.head : undefined;
}

const malformed: readonly (readonly [name: string, raw: readonly string[]])[] = [
  ["an empty section", []],
  ["a pseudo-header field twice", [...target.slice(0, 2), ...target]],
  ["a pseudo-header field behind another", [...target, "accept", "*/*", ":path", "/b"]],
  ["an unknown pseudo-header field", [":status", "200", ...target]],
  ["no scheme", [...target.slice(0, 2), ...target.slice(4)]],
  ["an unknown scheme", target.with(3, "ftp")],
  ["an empty path", target.with(5, "")],
  ["CR in a value", [...target, "x", "a\rb"]],
  ["LF in a value", [...target, "x", "a\nb"]],
  ["NUL in a value", [...target, "x", "a\0b"]],
  ["a character above a byte", [...target, "x", "\u010a"]],
  ["CR in the method", target.with(1, "GET\r")],
  ["an upper-case name", [...target, "X", "a"]],
  ["an upper-case Content-Length", [...target, "Content-LengtH", "0"]],
  ["an empty name", [...target, "", "a"]],
  ["a blank in a name", [...target, "x a", "a"]],
  ["a colon in a name", [...target, "x:a", "a"]],
  ["Content-Length +5", [...target, "content-length", "+5"]],
  ["Content-Length 5, 5", [...target, "content-length", "5, 5"]],
  ["an empty Content-Length", [...target, "content-length", ""]],
  ["a protocol without CONNECT", [":protocol", "websocket", ...target]],
];

for (const [name, raw] of malformed) {
  test(`S11: parseRequestHead() finds ${name} malformed`, () => {
    assert.equal(resultOf(raw, false), "malformed");
  });
}

test("S11: what a Content-Length announces must come", () => {
  assert.equal(resultOf([...target, "content-length", "5"], true), "malformed");
  assert.equal(headOf([...target, "content-length", "0"], true)?.bodyLength, 0);
  assert.equal(headOf([...target, "content-length", "5"], false)?.bodyLength, 5);
  assert.equal(headOf(target, false)?.bodyLength, undefined);
});

test("H4: Host and authority must be the same name, one of them is enough", () => {
  const hosted = (host: string) => [...target, "host", host];
  for (const host of ["a.test", "A.Test", "a.test.", "a.test:443", "a.test.:443"]) {
    assert.equal(resultOf(hosted(host)), "request");
  }
  for (const host of ["b.test", "a.test:8443", "a.test:80", ""]) assert.equal(resultOf(hosted(host)), "malformed");
  assert.equal(headOf([...target.slice(0, 6), "host", "b.test:1"])?.authority, "b.test:1");
  assert.equal(resultOf(target.slice(0, 6)), "400");
});

test("H6: TRACE and CONNECT are refused, an extended CONNECT is an upgrade", () => {
  assert.equal(resultOf(target.with(1, "TRACE")), "405");
  assert.equal(resultOf([":method", "CONNECT", ":authority", "a.test:443"]), "405");
  const head = headOf([":protocol", "WebSocket", ...target.with(1, "CONNECT")], false);
  assert.deepEqual([head?.method, head?.upgrade, head?.bodyLength], ["CONNECT", "websocket", 0]);
  assert.equal(resultOf([":protocol", "websocket", ...target.with(1, "CONNECT")], true), "malformed");
});

test("H2: a request that went around too often is 508", () => {
  const hops = (count: number) => [...target, "via", Array.from({ length: count }, () => "2 mc-proxy").join(", ")];
  assert.equal(resultOf(hops(4)), "request");
  assert.equal(resultOf(hops(5)), "508");
});

test("LIM3: too many fields are 431, a long path 414; cookies count as one", () => {
  const fields = (
    count: number,
    name: string,
  ) => [...target, ...Array.from({ length: count }, () => [name, "a=b"]).flat()];
  assert.equal(resultOf(fields(101, "x")), "431");
  assert.equal(resultOf(fields(100, "x")), "request");
  assert.equal(resultOf(fields(150, "cookie")), "request");
  assert.equal(resultOf(target.with(5, `/${"a".repeat(8192)}`)), "414");
});

test("H1, H3: fields that end here or that only we may write are taken out", () => {
  const head = headOf([
    ...target,
    ...["te", "trailers", "trailer", "x", "proxy-authorization", "x", "via", "1.1 a", "via", "2 b", "x-real-ip", "x"],
    ...["x-forwarded-for", "1.1.1.1", "x-forwarded-for", "2.2.2.2", "x_forwarded_for", "x", "forwarded", "x"],
    ...[
      "x-forwarded-proto",
      "http",
      "x-request-id",
      "id-1",
      "content_length",
      "5",
      "expect",
      "100-continue",
      "accept",
      "*/*",
    ],
  ], false);
  assert.deepEqual(head?.fields, ["accept", "*/*"]);
  assert.deepEqual([head?.via, head?.claimedFor, head?.claimedId], ["1.1 a, 2 b", "1.1.1.1, 2.2.2.2", "id-1"]);
  assert.equal(head?.expectsContinue, true);
  assert.equal(headOf([...target, "x-request-id", "a", "x-request-id", "b"])?.claimedId, "");
  assert.equal(headOf([...target, "x-request-id", "a b"])?.claimedId, "");
});

test("S11: whatever comes, what passes can be written as HTTP/1.1", () => {
  const name = oneof(
    constantFrom(
      "cookie",
      "host",
      "content-length",
      "te",
      "connection",
      "expect",
      "x-forwarded-for",
      "via",
      "x",
      "X",
      ":path",
      ":method",
    ),
    string(),
  );
  const value = oneof(
    constantFrom("", "a.test", "5", "trailers", "/", "GET", "100-continue"),
    string({ unit: "binary" }),
  );
  check(
    property(array(tuple(name, value), { maxLength: 8 }), (fields) => {
      const parsed = parseRequestHead([...target, ...fields.flat()], false);
      if (parsed.kind !== "request") return;
      const { method, path, authority, fields: kept } = parsed.head;
      for (const text of [method, path, authority]) assert.match(text, /^[\x21-\x7e\x80-\xff]+$/);
      for (let index = 0; index < kept.length; index += 2) {
        assert.match(kept[index] ?? "", /^[!#$%&'*+\-.^_`|~0-9a-z]+$/);
        assert.match(kept[index + 1] ?? "", /^[\t\x20-\x7e\x80-\xff]*$/);
        assert.doesNotMatch(kept[index] ?? "", /^(?:connection|te|host|content-length|transfer-encoding|upgrade)$/);
      }
    }),
    { numRuns: fuzzRuns },
  );
});
