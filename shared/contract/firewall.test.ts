import assert from "node:assert/strict";
import { test } from "node:test";
import { FirewallRules, openFirewall } from "./firewall.ts";

test("FirewallRules gives what is missing as nothing", () => {
  assert.deepEqual(openFirewall, { blockedAddresses: [], blockedCountries: [], allowedAddresses: [], shadow: false });
});

test("FirewallRules takes addresses and blocks of both families", () => {
  const blockedAddresses = ["192.0.2.1", "198.51.100.0/24", "2001:db8::1", "2001:db8::/32"];
  assert.deepEqual(FirewallRules.parse({ blockedAddresses }).blockedAddresses, blockedAddresses);
});

const wrong: readonly [string, unknown][] = [
  ["an address that is none", { blockedAddresses: ["192.0.2.256"] }],
  ["a prefix that is too long", { allowedAddresses: ["192.0.2.0/33"] }],
  ["a country in lower case", { blockedCountries: ["de"] }],
  ["a limit of nothing", { connectionLimit: { count: 0, windowSeconds: 1 } }],
  ["no connection at all", { maxConnectionsPerAddress: 0 }],
  ["more blocks than the limit", { blockedAddresses: Array.from({ length: 50_001 }, () => "192.0.2.1") }],
];

for (const [name, rules] of wrong) {
  test(`FirewallRules refuses ${name}`, () => assert.equal(FirewallRules.safeParse(rules).success, false));
}
