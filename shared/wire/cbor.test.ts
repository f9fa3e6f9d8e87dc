import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, asyncProperty, integer, jsonValue, property, uint8Array } from "fast-check";
import { PlatformError } from "../errors/platform-error.ts";
import { decodeCbor, decodeFrames, encodeCbor, encodeFrame } from "./cbor.ts";

/** JSON values without the one key that does not survive, see the test of `__proto__`. */
const anyJson = jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"));
const normal = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll("-0", "0"));

test("encodeCbor() round-trips JSON values", () => {
  check(property(anyJson, (value) => assert.deepEqual(normal(decodeCbor(encodeCbor(value))), normal(value))));
});

test("decodeCbor() answers any bytes with a value or a PlatformError", () => {
  check(
    property(uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        decodeCbor(bytes);
      } catch (error) {
        assert.ok(error instanceof PlatformError);
      }
    }),
  );
});

test("decodeCbor() lets no key reach a prototype", () => {
  const decoded = decodeCbor(encodeCbor(JSON.parse('{"__proto__":{"polluted":true}}')));
  assert.deepEqual(decoded, { __proto_: { polluted: true } });
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("decodeFrames() finds frames whatever the chunk borders", async () => {
  await check(
    asyncProperty(array(anyJson, { maxLength: 5 }), integer({ min: 1, max: 7 }), async (values, size) => {
      const bytes = Buffer.concat(values.map(encodeFrame));
      const read: unknown[] = [];
      for await (const item of decodeFrames(inChunks(bytes, size))) read.push(item);
      assert.deepEqual(normal(read), normal(values));
    }),
  );
});

test("decodeFrames() refuses a cut frame and foreign bytes", async () => {
  const frame = encodeFrame({ a: 1 });
  for (const bytes of [frame.subarray(0, frame.length - 1), new TextEncoder().encode("HTTP/1.1")]) {
    await assert.rejects(async () => {
      for await (const _item of decodeFrames(inChunks(bytes, 3)));
    }, PlatformError);
  }
});

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

// Long and many strings are what cbor-x hands to its native addon, which Deno cannot load.
test("decodeCbor() decodes long strings on every runtime", () => {
  const value = Array.from({ length: 300 }, (_, index) => `svc-${index}.${"x".repeat(200)}`);
  assert.deepEqual(decodeCbor(encodeCbor(value)), value);
});
