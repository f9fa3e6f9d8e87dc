import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, ipV4, property } from "fast-check";
import { FirewallRules } from "#shared/contract/firewall.ts";
import { compileFirewall } from "./compile-firewall.ts";
import { createHitCounters } from "./hit-counters.ts";

const countryOf = (address: string) => address.startsWith("203.0.113.") ? "XA" : undefined;
const rules = FirewallRules.parse({
  blockedAddresses: ["192.0.2.0/24", "192.0.2.66", "2001:db8::/32"],
  blockedCountries: ["XA"],
  allowedAddresses: ["192.0.2.7", "203.0.113.7", "2001:db8:1::/48"],
});

const judged: readonly [address: string, kind: string | undefined, rule?: string][] = [
  ["192.0.2.1", "address", "192.0.2.0/24"],
  ["::ffff:192.0.2.1", "address", "192.0.2.0/24"],
  ["192.0.2.66", "address", "192.0.2.66"],
  ["192.0.2.7", undefined],
  ["198.51.100.1", undefined],
  ["2001:db8::1", "address", "2001:db8::/32"],
  ["2001:db8:1::1", undefined],
  ["203.0.113.1", "country", "XA"],
  ["203.0.113.7", undefined],
  ["", "address", "(no address)"],
];

for (const [address, kind, rule] of judged) {
  test(`LIM7: compileFirewall() ${kind === undefined ? "passes" : `blocks by ${rule}`} "${address}"`, () => {
    const reason = compileFirewall(rules, { countryOf }).judge(address);
    assert.deepEqual(reason, kind === undefined ? undefined : { kind, rule });
  });
}

test("A10: compileFirewall() counts hits by rule, and only counts in shadow mode", () => {
  const hits = createHitCounters();
  const firewall = compileFirewall(rules, { countryOf, hits });
  const shadow = compileFirewall({ ...rules, shadow: true }, { countryOf, hits });
  for (const address of ["192.0.2.1", "192.0.2.2", "203.0.113.1", "192.0.2.7", "198.51.100.1"]) firewall.judge(address);
  assert.equal(shadow.judge("192.0.2.1"), undefined);
  assert.deepEqual(hits.list(), [
    { rule: "address:192.0.2.0/24", refused: 2, shadowed: 1 },
    { rule: "country:XA", refused: 1, shadowed: 0 },
  ]);
});

test("A10: explain() says which rule counts, without counting", () => {
  const hits = createHitCounters();
  const firewall = compileFirewall({ ...rules, shadow: true }, { countryOf, hits });
  assert.deepEqual(firewall.explain("192.0.2.7"), { kind: "allowed", rule: "192.0.2.7" });
  assert.deepEqual(firewall.explain("203.0.113.1"), { kind: "blocked", reason: { kind: "country", rule: "XA" } });
  assert.deepEqual(firewall.explain("198.51.100.1"), { kind: "none" });
  assert.deepEqual(hits.list(), []);
});

test("LIM7: compileFirewall() without rules passes everybody", () => {
  const firewall = compileFirewall(FirewallRules.parse({}), { countryOf });
  check(property(ipV4(), (address) => firewall.judge(address) === undefined));
  assert.equal(firewall.judge("no address"), undefined);
});
