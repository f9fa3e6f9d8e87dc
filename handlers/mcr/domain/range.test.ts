import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, nat, property, string } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { formatUploadRange, parseByteRange, parseContentRange } from "./range.ts";

test("parseByteRange() reads the three forms of a range", () => {
  assert.deepEqual(parseByteRange("bytes=0-9", 100), { first: 0, last: 9 });
  assert.deepEqual(parseByteRange("bytes=90-", 100), { first: 90, last: 99 });
  assert.deepEqual(parseByteRange("bytes=-10", 100), { first: 90, last: 99 });
  assert.deepEqual(parseByteRange("bytes=-1000", 100), { first: 0, last: 99 });
  assert.deepEqual(parseByteRange("bytes=50-1000", 100), { first: 50, last: 99 });
});

test("parseByteRange() calls a range outside the content, or that ends before it begins, unsatisfiable", () => {
  for (const header of ["bytes=100-", "bytes=5000-10000", "bytes=50-10", "bytes=-0"]) {
    assert.equal(parseByteRange(header, 100), "unsatisfiable", header);
  }
  assert.equal(parseByteRange("bytes=0-0", 0), "unsatisfiable");
});

test("parseByteRange() ignores other units, several ranges and what is no range", () => {
  for (const header of [null, "", "bytes", "bytes=", "bytes=-", "items=0-1", "bytes=0-1,3-4", "bytes=a-b"]) {
    assert.equal(parseByteRange(header, 100), undefined, String(header));
  }
});

test("parseByteRange() never leaves the content", () => {
  check(property(nat(), nat(), nat(), (first, last, sizeBytes) => {
    const range = parseByteRange(`bytes=${first}-${last}`, sizeBytes);
    if (range === undefined || range === "unsatisfiable") return first > last || first >= sizeBytes;
    return range.first === first && range.last <= last && range.last < sizeBytes && range.first <= range.last;
  }));
  check(property(string(), nat(), (header, sizeBytes) => void parseByteRange(header, sizeBytes)));
});

test("parseContentRange() reads the spec's form and the RFC's, and refuses the rest", () => {
  assert.equal(parseContentRange(null), undefined);
  for (const header of ["5-9", "bytes 5-9", "bytes=5-9", "bytes 5-9/10", "bytes 5-9/*"]) {
    assert.deepEqual(parseContentRange(header), { first: 5, last: 9 }, header);
  }
  for (const header of ["", "9-5", "5", "-5", "5-", "a-b", "items 5-9"]) {
    assert.throws(
      () => parseContentRange(header),
      (error: PlatformError) => error.code === "range-not-satisfiable",
      header,
    );
  }
});

test("parseContentRange() throws nothing but platform errors", () => {
  check(property(string(), (header) => {
    try {
      parseContentRange(header);
    } catch (error) {
      assert.ok(error instanceof PlatformError);
    }
  }));
});

test("formatUploadRange() always parses as a range from 0", () => {
  assert.equal(formatUploadRange(0), "0-0");
  check(property(nat(), (offset) => formatUploadRange(offset + 1) === `0-${offset}`));
});
