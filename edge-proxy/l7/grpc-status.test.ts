import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, constantFrom, integer, property, string } from "fast-check";
import { isGrpc, parseGrpcTimeout, timeoutOfCall, toGrpcStatus } from "./grpc-status.ts";

test("G3: toGrpcStatus() maps the proxy's own statuses, and the rest to UNKNOWN", () => {
  const expected = {
    401: 16,
    403: 7,
    404: 12,
    413: 8,
    429: 8,
    431: 8,
    502: 14,
    503: 14,
    504: 4,
    400: 2,
    500: 2,
    421: 2,
  };
  for (const [status, code] of Object.entries(expected)) assert.equal(toGrpcStatus(Number(status)), code, status);
});

test("G3: parseGrpcTimeout() reads every unit", () => {
  const vectors: readonly (readonly [string, number | undefined])[] = [
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3_000],
    ["250m", 250],
    ["1500u", 2],
    ["99999999n", 100],
    ["0S", 1],
    ["1n", 1],
    ["", undefined],
    ["5", undefined],
    ["S", undefined],
    ["123456789S", undefined],
    ["-1S", undefined],
    ["1.5S", undefined],
    ["1s", undefined],
    [" 1S", undefined],
    ["1S ", undefined],
  ];
  for (const [value, ms] of vectors) assert.equal(parseGrpcTimeout(value), ms, value);
});

test("G3: parseGrpcTimeout() gives whole milliseconds for what is valid, and nothing for the rest", () => {
  check(property(integer({ min: 0, max: 99_999_999 }), constantFrom("H", "M", "S", "m", "u", "n"), (count, unit) => {
    const ms = parseGrpcTimeout(`${count}${unit}`);
    assert.ok(ms !== undefined && Number.isInteger(ms) && ms >= 1);
  }));
  check(property(string(), (text) => {
    const ms = parseGrpcTimeout(text);
    assert.equal(ms === undefined, !/^[0-9]{1,8}[HMSmun]$/.test(text));
  }));
});

test("G3: timeoutOfCall() reads the timeout of gRPC calls only", () => {
  const timeout = (...fields: string[]) => timeoutOfCall({ fields });
  assert.equal(timeout("content-type", "application/grpc+proto", "grpc-timeout", "2S"), 2_000);
  assert.equal(timeout("content-type", "application/grpc", "grpc-timeout", "soon"), Infinity);
  assert.equal(timeout("content-type", "application/grpc"), Infinity);
  assert.equal(timeout("content-type", "text/plain", "grpc-timeout", "2S"), Infinity);
  assert.equal(isGrpc({ fields: [] }), false);
});
