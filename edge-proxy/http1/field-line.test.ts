import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, constantFrom, property } from "fast-check";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { createFieldLine, findHeadEnd, isHopelessHead, scanFieldLine } from "./field-line.ts";

function scan(text: string) {
  const bytes = Buffer.from(text, "latin1");
  const line = createFieldLine();
  const end = scanFieldLine(bytes, 0, line);
  const value = bytes.toString("latin1", line.valueStart, line.valueEnd);
  return end === -1 ? undefined : { end, name: line.name.raw, value, isPlain: line.isPlain };
}

test("scanFieldLine() gives a field without the blanks around its value", () => {
  assert.deepEqual(scan("A: b\r\n"), { end: 6, name: "A", value: "b", isPlain: true });
  assert.deepEqual(scan("A:b c\r\nX"), { end: 7, name: "A", value: "b c", isPlain: true });
  assert.deepEqual(scan("A:\r\n"), { end: 4, name: "A", value: "", isPlain: true });
  assert.deepEqual(scan("A:   \r\n"), { end: 7, name: "A", value: "", isPlain: true });
  assert.deepEqual(scan("A: \tb\t \r\n"), { end: 9, name: "A", value: "b", isPlain: false });
  assert.deepEqual(scan("A: b \r\n"), { end: 7, name: "A", value: "b", isPlain: false });
  assert.deepEqual(scan("A: \xe9\x80\r\n"), { end: 7, name: "A", value: "\xe9\x80", isPlain: true });
});

test("S4: scanFieldLine() refuses what servers read differently", () => {
  const malformed = [
    "A : b\r\n",
    "A\t: b\r\n",
    " A: b\r\n",
    "\tb\r\n",
    ": b\r\n",
    "A\r\n",
    "A: b\n",
    "A: b\rc\r\n",
    "A: b\r\r\n",
    "A: b\0\r\n",
    "A: b\x0b\r\n",
    "A: b\x7f\r\n",
    "A: \nb\r\n",
    "A: b",
    "A: b\r",
    "(A): b\r\n",
    "\xe9: b\r\n",
    "",
  ];
  for (const text of malformed) assert.equal(scan(text), undefined, JSON.stringify(text));
});

const fragment = constantFrom("\r", "\n", "\r\n", "\r\n\r\n", "a", "ab", "abc", "A: b", "\0", "\t");

test("findHeadEnd() finds the first empty line, from wherever the search goes on", () => {
  check(
    property(array(fragment, { maxLength: 24 }), (fragments) => {
      const bytes = Buffer.from(fragments.join(""), "latin1");
      const expected = bytes.indexOf("\r\n\r\n", 0, "latin1");
      const end = findHeadEnd(bytes, 0);
      assert.equal(end, expected === -1 ? -1 : expected + 4);
      for (let cut = 0; cut < bytes.length; cut += 5) {
        const first = findHeadEnd(bytes.subarray(0, cut), 0);
        assert.equal(first === -1 ? findHeadEnd(bytes, Math.max(0, cut - 3)) : first, end);
      }
    }),
    { numRuns: Math.min(fuzzRuns, 20_000) },
  );
});

test("S4: isHopelessHead() tells at once when no head can come of it, and never of one that may be sound", () => {
  const isHopeless = (text: string) => isHopelessHead(Buffer.from(text, "latin1"), 0);
  for (const text of ["GET / HTTP/1.1\n", "G\rE", "\0", "\x16\x03\x01", "a\x7f", "\n", "A: b\r\n\n", "\r\r"]) {
    assert.ok(isHopeless(text), JSON.stringify(text));
  }
  const sound = "POST /x\t HTTP/1.1\r\nHost: a.test\r\nA: \xe9\r\n";
  for (let cut = 0; cut <= sound.length; cut += 1) {
    assert.ok(!isHopeless(sound.slice(0, cut)));
    for (let from = 0; from < cut; from += 1) {
      assert.ok(!isHopelessHead(Buffer.from(sound.slice(0, cut), "latin1"), from));
    }
  }
});
