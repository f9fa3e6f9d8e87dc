import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import { array, assert as check, integer, oneof, property, tuple } from "fast-check";
import { formatAddress, parseAddress } from "./address.ts";
import { createBlockSet, createBlockTest } from "./block-set.ts";

const inside: readonly [block: string, address: string, expected: boolean][] = [
  ["192.0.2.0/24", "192.0.2.255", true],
  ["192.0.2.0/24", "192.0.3.0", false],
  ["192.0.2.77/24", "192.0.2.1", true],
  ["0.0.0.0/0", "255.1.2.3", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["::/0", "2001:db8::1", true],
  ["::/0", "192.0.2.1", false],
  ["192.0.2.1", "::ffff:192.0.2.1", true],
  ["::ffff:192.0.2.0/120", "192.0.2.9", true],
  ["::ffff:0:0/96", "203.0.113.1", true],
  ["::ffff:0:0/90", "203.0.113.1", false],
  ["2001:db8::/33", "2001:db8:7fff::1", true],
  ["2001:db8::/33", "2001:db8:8000::1", false],
  ["2001:db8::1", "2001:db8::1", true],
  ["2001:db8::1", "2001:db8::2", false],
  ["128.0.0.0/1", "255.0.0.1", true],
  ["192.0.2.1", "nonsense", false],
];

for (const [block, address, expected] of inside) {
  test(`createBlockTest() says ${expected} for ${address} in ${block}`, () => {
    assert.equal(createBlockTest([block])(address), expected);
  });
}

test("createBlockSet() finds the smallest block around an address", () => {
  const set = createBlockSet([["10.0.0.0/8", "big"], ["10.1.0.0/16", "small"], ["10.1.0.0/16", "again"]]);
  const find = (text: string) => set.find(parseAddress(text) ?? assert.fail());
  assert.deepEqual([find("10.1.2.3"), find("10.2.2.3"), find("11.0.0.0")], ["small", "big", undefined]);
});

for (const block of ["", "192.0.2.0/33", "192.0.2.0/-1", "2001:db8::/129", "192.0.2.0/", "a/8", "192.0.2.0/1.5"]) {
  test(`createBlockSet() refuses "${block}"`, () => {
    assert.throws(() => createBlockSet([[block, 1]]), RangeError);
  });
}

// Blocks wide enough to hold ::ffff:0:0/96 stay out: net.BlockList counts IPv4 to them, we do not.
test("createBlockSet() agrees with net.BlockList", () => {
  const word = integer({ min: 0, max: 3 }).map((n) => [0, 1, 0x8000, 0xffff][n] ?? 0);
  const v6 = tuple(array(word, { minLength: 8, maxLength: 8 }), integer({ min: 3, max: 128 })).map((
    [hextets, length],
  ) => [formatAddress({ version: 6, hextets: [0x2001, ...hextets.slice(1)] }), length] as const);
  const v4 = tuple(array(word, { minLength: 2, maxLength: 2 }), integer({ min: 0, max: 32 })).map(([[a, b], length]) =>
    [formatAddress({ version: 4, value: (((a ?? 0) << 16) | (b ?? 0)) >>> 0 }), length] as const
  );
  check(property(array(oneof(v4, v6), { minLength: 1, maxLength: 8 }), oneof(v4, v6), (blocks, [address]) => {
    const peer = new BlockList();
    for (const [name, length] of blocks) peer.addSubnet(name, length, name.includes(":") ? "ipv6" : "ipv4");
    const ours = createBlockTest(blocks.map(([name, length]) => `${name}/${length}`));
    assert.equal(ours(address), peer.check(address, address.includes(":") ? "ipv6" : "ipv4"));
  }));
});
