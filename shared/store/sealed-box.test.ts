import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assert as check, property, string, uint8Array } from "fast-check";
import { PlatformError } from "../errors/platform-error.ts";
import { createSealedBox } from "./sealed-box.ts";

const box = createSealedBox(new Uint8Array(32).fill(1));
const isSealed = (error: unknown) => error instanceof PlatformError && error.code === "sealed";

test("createSealedBox() opens what it sealed for the same path", () => {
  check(property(string(), uint8Array({ maxLength: 300 }), (path, plaintext) => {
    assert.deepEqual(box.open(path, box.seal(path, plaintext)), Uint8Array.from(plaintext));
  }));
});

test("createSealedBox() never writes the plaintext nor the same bytes twice", () => {
  const plaintext = Buffer.from("a secret of some length");
  assert.equal(Buffer.from(box.seal("a", plaintext)).includes(plaintext), false);
  assert.notDeepEqual(box.seal("a", plaintext), box.seal("a", plaintext));
});

test("createSealedBox() refuses another path, another key and any changed byte", () => {
  const sealed = box.seal("a", Uint8Array.of(1, 2, 3));
  assert.throws(() => box.open("b", sealed), isSealed);
  assert.throws(() => createSealedBox(new Uint8Array(32)).open("a", sealed), isSealed);
  for (let index = 0; index < sealed.length; index++) {
    const changed = Uint8Array.from(sealed, (byte, at) => at === index ? byte ^ 1 : byte);
    assert.throws(() => box.open("a", changed), isSealed);
  }
});

test("createSealedBox() refuses what is too short, and a master key of another length", () => {
  assert.throws(() => box.open("a", Uint8Array.of(1)), isSealed);
  assert.throws(() => createSealedBox(new Uint8Array(16)), RangeError);
});
