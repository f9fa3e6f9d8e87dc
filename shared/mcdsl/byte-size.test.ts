import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteSize } from "./byte-size.ts";

test("ByteSize reads binary and decimal units", () => {
  const sizes = ["0B", "512B", "64KiB", "10MiB", "2GiB", "3kB", "5MB", "1GB"].map((text) => ByteSize.parse(text));
  assert.deepEqual(sizes, [0, 512, 65_536, 10_485_760, 2_147_483_648, 3_000, 5_000_000, 1_000_000_000]);
});

test("ByteSize refuses what is no size", () => {
  for (const text of ["", "10", "-1B", "1.5MiB", "10 MiB", "10mib", "1TiB", "1234567B"]) {
    assert.equal(ByteSize.safeParse(text).success, false, text);
  }
});
