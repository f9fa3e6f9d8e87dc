import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, property, uint8Array } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import {
  ancestorKeys,
  isAtOrBelow,
  keyToName,
  nameFromText,
  nameToText,
  readName,
  skipPlainName,
  toNameKey,
} from "./name.ts";

const invalid = (error: unknown) => error instanceof PlatformError && error.code === "invalid-request";
const labels = array(uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 3 });
const toWire = (parts: readonly Uint8Array[]) =>
  Uint8Array.from([...parts.flatMap((part) => [part.length, ...part]), 0]);

test("nameFromText() reads back what nameToText() wrote, whatever the bytes", () => {
  check(property(labels, (parts) => assert.deepEqual(nameFromText(nameToText(toWire(parts))), toWire(parts))));
});

test("nameFromText() refuses empty labels and names that are too long", () => {
  for (const text of ["a..b", ".a", "", "x".repeat(64), `${"a.".repeat(128)}a`]) {
    if (text !== "") assert.throws(() => nameFromText(text), invalid, text);
  }
  assert.deepEqual(nameFromText("."), Uint8Array.of(0));
  assert.equal(nameFromText(`${"a.".repeat(126)}a`).length, 255);
});

test("toNameKey() folds ASCII letters and no other byte (RFC 4343)", () => {
  assert.equal(toNameKey(nameFromText("WwW.Ex.TEST")), toNameKey(nameFromText("www.ex.test")));
  assert.notEqual(toNameKey(Uint8Array.of(1, 0xc0, 0)), toNameKey(Uint8Array.of(1, 0xe0, 0)));
  check(property(labels, (parts) => {
    const key = toNameKey(toWire(parts));
    assert.equal(toNameKey(keyToName(key)), key);
  }));
});

test("readName() follows pointers back and refuses every other", () => {
  const bytes = Buffer.from([...nameFromText("ex.test"), 3, 119, 119, 119, 0xc0, 0, 0xff]);
  const { name, end } = readName(bytes, 9);
  assert.equal(nameToText(name), "www.ex.test");
  assert.equal(end, 15);
  const broken: Record<string, readonly number[]> = {
    "pointer to itself": [0xc0, 0],
    "pointer forward": [0xc0, 4, 0, 0, 0],
    "label type 01": [0x41, 0],
    "label type 10": [0x81, 0],
    "cut label": [3, 97],
    "cut pointer": [0xc0],
    "no root": [1, 97],
  };
  for (const [what, numbers] of Object.entries(broken)) {
    assert.throws(() => readName(Uint8Array.from(numbers), 0), invalid, what);
  }
});

test("readName() refuses a name that pointers make longer than 255 bytes", () => {
  const label = [63, ...Array.from({ length: 63 }, () => 97)];
  const bytes = Uint8Array.from([...label, ...label, ...label, 0, ...label, 0xc0, 0]);
  assert.throws(() => readName(bytes, 193), invalid);
});

test("readName() and skipPlainName() never throw anything but PlatformError", () => {
  check(property(uint8Array({ maxLength: 300 }), (bytes) => {
    for (const read of [() => readName(bytes, 0), () => skipPlainName(bytes, 0)]) {
      try {
        read();
      } catch (error) {
        assert.ok(invalid(error));
      }
    }
  }));
});

test("skipPlainName() refuses pointers, as nothing comes before a first question", () => {
  assert.throws(() => skipPlainName(Uint8Array.of(0xc0, 0), 0), invalid);
  assert.equal(skipPlainName(Uint8Array.of(1, 97, 0), 0), 3);
});

test("ancestorKeys() ends with the root, and isAtOrBelow() looks at whole labels", () => {
  const key = (text: string) => toNameKey(nameFromText(text));
  assert.deepEqual([...ancestorKeys(key("a.b"))], [key("a.b"), key("b"), key(".")]);
  assert.ok(isAtOrBelow(key("a.ex.test"), key("ex.test")));
  assert.ok(!isAtOrBelow(key("badex.test"), key("ex.test")));
});
