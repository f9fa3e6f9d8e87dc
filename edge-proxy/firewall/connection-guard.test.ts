import assert from "node:assert/strict";
import { test } from "node:test";
import { FirewallRules } from "#shared/contract/firewall.ts";
import { type ConnectionGuard, createConnectionGuard } from "./connection-guard.ts";
import { type ConnectionLimits, createConnectionLimiter } from "./connection-limiter.ts";
import { createCounterTable } from "./counter-table.ts";

function openGuard(limits: ConnectionLimits = {}): { guard: ConnectionGuard; setTime: (ms: number) => void } {
  let nowMs = 10_000;
  const limiter = createConnectionLimiter({ counters: createCounterTable(64), clock: () => nowMs });
  return { guard: createConnectionGuard({ limiter, limits }), setTime: (ms) => nowMs = ms };
}

function reasonOf(guard: ConnectionGuard, address: string): string {
  const verdict = guard.admit(address);
  if (verdict.kind === "admitted") return "admitted";
  return verdict.kind === "blocked" ? verdict.reason.rule : verdict.reason;
}

test("LIM7: admit() bounds the connections of one client and of all", () => {
  const { guard } = openGuard({ maxOpenPerAddress: 2, maxOpenTotal: 3 });
  const reasons = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"].map((a) => reasonOf(guard, a));
  assert.deepEqual(reasons, ["admitted", "admitted", "address-connections", "admitted", "total-connections"]);
});

test("LIM7: admit() lets the next one in when one was released", () => {
  const { guard } = openGuard({ maxOpenPerAddress: 1 });
  const first = guard.admit("192.0.2.1");
  assert.equal(reasonOf(guard, "192.0.2.1"), "address-connections");
  assert.ok(first.kind === "admitted");
  first.release();
  assert.equal(guard.openTotal(), 0);
  assert.equal(reasonOf(guard, "192.0.2.1"), "admitted");
});

test("LIM7: admit() bounds new connections within a window, and does not count what it refuses", () => {
  const { guard, setTime } = openGuard({ rate: { count: 2, windowMs: 1000 } });
  const reasons = [1, 2, 3, 4].map(() => reasonOf(guard, "192.0.2.1"));
  assert.deepEqual(reasons, ["admitted", "admitted", "connection-rate", "connection-rate"]);
  assert.equal(guard.openTotal(), 2);
  setTime(12_000);
  assert.equal(reasonOf(guard, "192.0.2.1"), "admitted");
});

test("LIM7: admit() judges the block list before the limits", () => {
  const { guard } = openGuard({ maxOpenTotal: 1 });
  guard.apply(FirewallRules.parse({ blockedAddresses: ["192.0.2.1"] }));
  assert.equal(reasonOf(guard, "192.0.2.2"), "admitted");
  assert.equal(reasonOf(guard, "192.0.2.1"), "192.0.2.1");
  assert.equal(guard.openTotal(), 1);
});

test("LIM7: admit() never refuses an allowed address, but counts it", () => {
  const { guard } = openGuard({ maxOpenPerAddress: 1, maxOpenTotal: 1, rate: { count: 1, windowMs: 1000 } });
  guard.apply(FirewallRules.parse({ allowedAddresses: ["192.0.2.0/24"], blockedAddresses: ["192.0.0.0/16"] }));
  assert.deepEqual([1, 2, 3].map(() => reasonOf(guard, "192.0.2.1")), ["admitted", "admitted", "admitted"]);
  assert.equal(guard.openTotal(), 3);
});

test("LIM7: apply() puts the limits of the rules before those of the configuration, until they are taken away", () => {
  const { guard } = openGuard({ maxOpenPerAddress: 1 });
  guard.apply(FirewallRules.parse({ maxConnectionsPerAddress: 2, connectionLimit: { count: 3, windowSeconds: 60 } }));
  assert.deepEqual([1, 2, 3].map(() => reasonOf(guard, "192.0.2.1")), ["admitted", "admitted", "address-connections"]);
  guard.apply(FirewallRules.parse({}));
  assert.equal(reasonOf(guard, "192.0.2.1"), "address-connections");
  assert.equal(guard.openTotal(), 2);
});

test("A10: in shadow mode the rules only count, the limits of the configuration stay", () => {
  const { guard } = openGuard({ maxOpenTotal: 4 });
  const blockedAddresses = ["192.0.2.1"];
  guard.apply(FirewallRules.parse({ blockedAddresses, shadow: true, maxConnectionsPerAddress: 1 }));
  const reasons = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3"].map((a) => reasonOf(guard, a));
  assert.deepEqual(reasons, ["admitted", "admitted", "admitted", "admitted", "total-connections"]);
  assert.deepEqual(guard.hits(), [
    { rule: "address:192.0.2.1", refused: 0, shadowed: 2 },
    { rule: "limit:address-connections", refused: 0, shadowed: 2 },
    { rule: "limit:total-connections", refused: 1, shadowed: 0 },
  ]);
});

test("A10: apply() keeps the hits of rules that stay and forgets the others", () => {
  const { guard } = openGuard();
  guard.apply(FirewallRules.parse({ blockedAddresses: ["192.0.2.1", "192.0.2.2"] }));
  reasonOf(guard, "192.0.2.1");
  reasonOf(guard, "192.0.2.2");
  guard.apply(FirewallRules.parse({ blockedAddresses: ["192.0.2.2", "192.0.2.3"] }));
  assert.deepEqual(guard.hits(), [{ rule: "address:192.0.2.2", refused: 1, shadowed: 0 }]);
  assert.deepEqual(guard.explain("192.0.2.3"), { kind: "blocked", reason: { kind: "address", rule: "192.0.2.3" } });
  assert.deepEqual(guard.rules().blockedAddresses, ["192.0.2.2", "192.0.2.3"]);
});
