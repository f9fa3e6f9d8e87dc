import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assert as check, property, string } from "fast-check";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { findTokenEnd, internName, internNameAt, isToken } from "./field-names.ts";

function nameIn(text: string) {
  const bytes = Buffer.from(`..${text}:`, "latin1");
  return internNameAt(bytes, 2, 2 + text.length);
}

test("internName() tells what a proxy does with a field", () => {
  const kinds: [string, string][] = [
    ["User-Agent", "ordinary"],
    ["X-Anything", "ordinary"],
    ["Connection", "connection"],
    ["Keep-Alive", "hopByHop"],
    ["Proxy-Connection", "hopByHop"],
    ["Trailer", "hopByHop"],
    ["Proxy-Authenticate", "hopByHop"],
    ["proxy-authorization", "hopByHop"],
    ["HTTP2-Settings", "hopByHop"],
    ["TE", "te"],
    ["UPGRADE", "upgrade"],
    ["Transfer-Encoding", "transferEncoding"],
    ["content-length", "contentLength"],
    ["hOST", "host"],
    ["Expect", "expect"],
    ["Via", "via"],
    ["X-Forwarded-For", "forwardedFor"],
    ["X-Request-ID", "requestId"],
    ["X-Forwarded-Anything", "ours"],
    ["X-Real-IP", "ours"],
    ["Forwarded", "ours"],
  ];
  for (const [raw, kind] of kinds) {
    assert.equal(internName(raw).kind, kind, raw);
    assert.deepEqual(nameIn(raw), { raw, lower: raw.toLowerCase(), kind });
  }
});

test("H3: internName() takes look-alikes with `_` for fields that only the proxy may write", () => {
  for (
    const raw of [
      "X_Forwarded_For",
      "x-forwarded_for",
      "X_Forwarded-Proto",
      "X_Real_IP",
      "X_Request_Id",
      "Content_Length",
      "Transfer_Encoding",
      "transfer_encoding",
      "Keep_Alive",
    ]
  ) assert.equal(internName(raw).kind, "ours", raw);
  assert.equal(internName("X_Other").kind, "ordinary");
});

test("internNameAt() gives the same object for usual names, whatever names came in between", () => {
  const before = nameIn("User-Agent");
  for (let index = 0; index < 20_000; index += 1) nameIn(`X-${index.toString(36)}`);
  assert.equal(nameIn("User-Agent"), before);
  assert.equal(internName("User-Agent"), before);
  for (const length of [1, 2, 31, 32, 33, 300]) assert.equal(nameIn("a".repeat(length)).raw, "a".repeat(length));
});

test("internNameAt() never takes one name for another", () => {
  const alphabet = string({ unit: "grapheme-ascii", minLength: 1, maxLength: 40 });
  check(
    property(alphabet.filter(isToken), (raw) => {
      const name = nameIn(raw);
      assert.equal(name.raw, raw);
      assert.equal(name.lower, raw.toLowerCase());
      assert.equal(nameIn(raw.toUpperCase()).kind, name.kind);
    }),
    { numRuns: Math.min(fuzzRuns, 20_000) },
  );
});

test("findTokenEnd() stops at every byte that belongs to no token", () => {
  const separators = '"(),/:;<=>?@[\\]{} \t\r\n\0\x7f\x80\xff';
  for (const byte of Buffer.from(separators, "latin1")) assert.equal(findTokenEnd(Buffer.of(97, byte, 97), 0), 1);
  assert.equal(findTokenEnd(Buffer.from("abc"), 0), 3);
  assert.ok(!isToken("") && !isToken("a b") && !isToken("é") && isToken("a!#$%&'*+-.^_`|~9"));
});
