import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, date, integer, property } from "fast-check";
import { isNewerSerial, nextSerial } from "./serial.ts";

const serials = integer({ min: 0, max: 0xffff_ffff });

test("nextSerial() is newer in RFC 1982 arithmetic, whatever the clock says", () => {
  check(
    property(serials, date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") }), (serial, now) => {
      const next = nextSerial(serial, now);
      assert.ok(isNewerSerial(next, serial), `${serial} -> ${next}`);
      assert.ok(next > 0 && next <= 0xffff_ffff);
    }),
  );
});

test("nextSerial() is the time in seconds where that is newer, else one more", () => {
  const now = new Date(2_000_000_000_000);
  assert.equal(nextSerial(undefined, now), 2_000_000_000);
  assert.equal(nextSerial(1_999_999_999, now), 2_000_000_000);
  assert.equal(nextSerial(2_000_000_000, now), 2_000_000_001);
  assert.equal(nextSerial(2_000_000_005, now), 2_000_000_006);
  assert.equal(nextSerial(0xffff_ffff, new Date(0)), 1);
  assert.equal(nextSerial(undefined, new Date(0)), 1);
});

test("isNewerSerial() wraps at 2^32", () => {
  assert.deepEqual([isNewerSerial(1, 0), isNewerSerial(0, 0xffff_ffff), isNewerSerial(0, 1), isNewerSerial(5, 5)], [
    true,
    true,
    false,
    false,
  ]);
});
