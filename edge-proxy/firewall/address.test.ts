import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import { array, assert as check, integer, ipV4, ipV6, property, string } from "fast-check";
import { addressFromHextets, formatAddress, hextetsOf, normalizeAddress, parseAddress } from "./address.ts";

const canonical: readonly [string, string | undefined][] = [
  ["192.0.2.1", "192.0.2.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:c000:0201", "192.0.2.1"],
  ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["::", "::"],
  ["1::", "1::"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["fe80::1%eth0", "fe80::1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["192.0.2.01", undefined],
  ["192.0.2", undefined],
  ["192.0.2.256", undefined],
  ["192.0.2.1.", undefined],
  ["0x7f.0.0.1", undefined],
  ["::1::", undefined],
  ["1:2:3:4:5:6:7", undefined],
  ["1:2:3:4:5:6:7::8", undefined],
  ["1:2:3:4:5:6:7:8:9", undefined],
  ["192.0.2.1::", undefined],
  [":1:2:3:4:5:6:7:8", undefined],
  ["12345::", undefined],
  ["", undefined],
  ["::1%", undefined],
];

for (const [text, expected] of canonical) {
  test(`normalizeAddress() gives ${expected} for "${text}"`, () => assert.equal(normalizeAddress(text), expected));
}

test("parseAddress() agrees with node:net about what is an address", () => {
  check(property(ipV4(), (text) => parseAddress(text)?.version === 4));
  check(property(ipV6(), (text) => parseAddress(text) !== undefined && isIP(text) === 6));
  const letters = string({
    unit: integer({ min: 0, max: 17 }).map((n) => "0123456789abcdf:.".charAt(n)),
    maxLength: 20,
  });
  check(property(letters, (text) => (parseAddress(text) !== undefined) === (isIP(text) !== 0)), { numRuns: 20_000 });
});

test("formatAddress() is read back as the same address", () => {
  const hextets = array(integer({ min: 0, max: 2 }).map((n) => [0, 1, 0xffff][n] ?? 0), { minLength: 8, maxLength: 8 });
  check(property(hextets, (numbers) => {
    const text = formatAddress(addressFromHextets(numbers));
    const again = parseAddress(text);
    assert.ok(again);
    assert.deepEqual(hextetsOf(again), numbers);
  }));
});
