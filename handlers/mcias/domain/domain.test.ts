import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, integer, property } from "fast-check";
import { clientNetwork } from "./client-network.ts";
import { addFailure, freeFailures, maxDelaySeconds, noThrottle, retryAfterSeconds } from "./throttle.ts";
import { effectiveExpiry, isRenewable, tokenLifetimeSeconds } from "./token-lifetime.ts";

test("clientNetwork() gives IPv4 addresses themselves and the /64 of IPv6 addresses", () => {
  assert.equal(clientNetwork("192.0.2.1"), "192.0.2.1");
  assert.equal(clientNetwork("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(clientNetwork("2001:db8::1"), "2001:db8:0:0::/64");
  assert.equal(clientNetwork("2001:0DB8:0:0:1:2:3:4"), "2001:db8:0:0::/64");
  assert.equal(clientNetwork("fe80::1%eth0"), "fe80:0:0:0::/64");
  assert.equal(clientNetwork("::1"), "0:0:0:0::/64");
  assert.equal(clientNetwork(""), undefined);
});

test("addFailure() never blocks for longer than the longest delay, and not at all at first", () => {
  check(property(array(integer({ min: 0, max: 2_000_000 }), { maxLength: 40 }), (gapsMs) => {
    let throttle = noThrottle;
    let nowMs = 1_800_000_000_000;
    for (const gapMs of gapsMs) {
      nowMs += gapMs;
      throttle = addFailure(throttle, nowMs);
      const seconds = retryAfterSeconds(throttle, nowMs);
      assert.ok(seconds <= maxDelaySeconds);
      assert.equal(seconds === 0, throttle.failures <= freeFailures);
      assert.equal(retryAfterSeconds(throttle, nowMs + maxDelaySeconds * 1000), 0);
    }
  }));
});

test("addFailure() begins again after a quiet while", () => {
  let throttle = noThrottle;
  for (let count = 0; count < 9; count++) throttle = addFailure(throttle, 1_000_000_000);
  assert.equal(addFailure(throttle, 1_000_000_000 + 15 * 60_000 + 1).failures, 1);
});

test("tokenLifetimeSeconds() gives no machine more than ten minutes, whatever its roles", () => {
  assert.equal(tokenLifetimeSeconds({ kind: "node", roles: ["admin"] }), 600);
  assert.equal(tokenLifetimeSeconds({ kind: "system", roles: [] }), 600);
  assert.equal(tokenLifetimeSeconds({ kind: "human", roles: ["guest"] }), 30 * 86_400);
  assert.equal(tokenLifetimeSeconds({ kind: "human", roles: ["user", "admin"] }), 8 * 3_600);
});

test("effectiveExpiry() only ever shortens", () => {
  const token = { issuedAtMs: 0, expiresAtMs: 30 * 86_400_000 };
  assert.equal(effectiveExpiry(token, { kind: "human", roles: ["admin"] }), 8 * 3_600_000);
  assert.equal(effectiveExpiry({ ...token, expiresAtMs: 5 }, { kind: "human", roles: ["user"] }), 5);
});

test("isRenewable() begins at exactly half of the life", () => {
  assert.equal(isRenewable({ issuedAtMs: 0, expiresAtMs: 1000 }, 499), false);
  assert.equal(isRenewable({ issuedAtMs: 0, expiresAtMs: 1000 }, 500), true);
});
