import assert from "node:assert/strict";
import { test } from "node:test";
import { type FirewallRules, openFirewall } from "#shared/contract/firewall.ts";
import { createLocalFirewall } from "./local-firewall.ts";

function open() {
  const applied: FirewallRules[] = [];
  return { applied, firewall: createLocalFirewall({ apply: (rules) => void applied.push(rules) }) };
}

test("createLocalFirewall() adds bans to the rules, and keeps them when the rules change", () => {
  const { firewall, applied } = open();
  const ban = firewall.ban("192.0.2.0/24", 60_000);
  assert.ok(Date.parse(ban.until) > Date.now());
  firewall.setRules({ ...openFirewall, blockedAddresses: ["198.51.100.1"] });
  assert.deepEqual(applied.at(-1)?.blockedAddresses, ["198.51.100.1", "192.0.2.0/24"]);
  assert.deepEqual(firewall.rules().blockedAddresses, ["198.51.100.1"]);
  assert.deepEqual(firewall.bans().map(({ address }) => address), ["192.0.2.0/24"]);
  assert.equal(firewall.explain("192.0.2.9").kind, "blocked");
  assert.equal(firewall.unban("192.0.2.0/24"), true);
  assert.equal(firewall.unban("192.0.2.0/24"), false);
  assert.equal(firewall.explain("192.0.2.9").kind, "none");
  assert.deepEqual(applied.at(-1)?.blockedAddresses, ["198.51.100.1"]);
});

test("createLocalFirewall() lifts a ban when its time is over; a new ban of the same address counts anew", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  t.after(() => t.mock.timers.reset());
  const { firewall, applied } = open();
  firewall.ban("192.0.2.1", 1_000);
  t.mock.timers.tick(900);
  firewall.ban("192.0.2.1", 1_000);
  t.mock.timers.tick(900);
  assert.equal(firewall.bans().length, 1);
  t.mock.timers.tick(100);
  assert.equal(firewall.bans().length, 0);
  assert.deepEqual(applied.at(-1)?.blockedAddresses, []);
});

test("createLocalFirewall() has a bound for bans", () => {
  const firewall = createLocalFirewall({ apply: () => {}, maxBans: 2 });
  for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.2"]) firewall.ban(address, 60_000);
  assert.throws(() => firewall.ban("192.0.2.3", 60_000), { code: "conflict" });
  firewall.stop();
  assert.equal(firewall.bans().length, 0);
});
