import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, ipV4, property, string } from "fast-check";
import { createBlockSet } from "../firewall/block-set.ts";
import { clientAddressOf } from "./client-address.ts";

const trusted = createBlockSet<true>([["10.0.0.0/8", true], ["2001:db8::/32", true]]);

const cases: readonly [name: string, peer: string, claimed: string, client: string, chain: string][] = [
  ["a peer that is not trusted", "192.0.2.1", "198.51.100.1", "192.0.2.1", "192.0.2.1"],
  ["a trusted peer that says nothing", "10.0.0.1", "", "10.0.0.1", "10.0.0.1"],
  [
    "the right-most address that is not trusted",
    "10.0.0.1",
    "203.0.113.9, 198.51.100.1",
    "198.51.100.1",
    "198.51.100.1, 10.0.0.1",
  ],
  [
    "the one before trusted hops",
    "10.0.0.1",
    "198.51.100.1,10.0.0.3 , 10.0.0.2",
    "198.51.100.1",
    "198.51.100.1, 10.0.0.3, 10.0.0.2, 10.0.0.1",
  ],
  ["the left-most when all are trusted", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"],
  [
    "the last believed one before nonsense",
    "10.0.0.1",
    "198.51.100.1, unknown, 10.0.0.2",
    "10.0.0.2",
    "10.0.0.2, 10.0.0.1",
  ],
  [
    "the last believed one before an empty entry",
    "10.0.0.1",
    "198.51.100.1, , 10.0.0.2",
    "10.0.0.2",
    "10.0.0.2, 10.0.0.1",
  ],
  ["the peer before a trailing comma", "10.0.0.1", "198.51.100.1,", "10.0.0.1", "10.0.0.1"],
  ["an address with a port", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1", "198.51.100.1, 10.0.0.1"],
  ["an IPv6 address in brackets", "2001:db8::1", "[2001:DB9::1]:4711", "2001:db9::1", "2001:db9::1, 2001:db8::1"],
  ["IPv4-mapped addresses as IPv4", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1", "198.51.100.1, 10.0.0.1"],
  ["no injected line", "10.0.0.1", "198.51.100.1\r\nx: y", "10.0.0.1", "10.0.0.1"],
];

for (const [name, peer, claimed, clientAddress, forwardedFor] of cases) {
  test(`H3: clientAddressOf() gives ${name}`, () => {
    assert.deepEqual(clientAddressOf({ clientAddress: peer }, claimed, trusted), { clientAddress, forwardedFor });
  });
}

test("H3: clientAddressOf() believes nobody without trusted proxies", () => {
  check(property(ipV4(), string(), (peer, claimed) => {
    const expected = { clientAddress: peer, forwardedFor: peer };
    assert.deepEqual(clientAddressOf({ clientAddress: peer }, claimed, undefined), expected);
  }));
});

test("H3: nothing that a client writes before its own address changes what is believed", () => {
  check(property(array(string({ maxLength: 20 }), { maxLength: 5 }), (claims) => {
    const honest = clientAddressOf({ clientAddress: "10.0.0.1" }, "198.51.100.1, 10.0.0.2", trusted);
    const claimed = [...claims, "198.51.100.1", "10.0.0.2"].join(", ");
    assert.deepEqual(clientAddressOf({ clientAddress: "10.0.0.1" }, claimed, trusted), honest);
  }));
});
