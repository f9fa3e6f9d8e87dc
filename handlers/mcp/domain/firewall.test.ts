import assert from "node:assert/strict";
import { test } from "node:test";
import { FirewallChange, FirewallPart } from "#shared/contract/edge-views.ts";
import { FirewallRules, openFirewall } from "#shared/contract/firewall.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { applyFirewallChange, mergeFirewall } from "./firewall.ts";

const nothing = FirewallPart.parse({});
const apply = (part: FirewallPart, change: Partial<FirewallChange>) =>
  applyFirewallChange(part, FirewallChange.parse(change));
const codeOf = (code: string) => (error: unknown) => error instanceof PlatformError && error.code === code;

test("applyFirewallChange() adds once, and takes away again", () => {
  const blocked = apply(nothing, { block: ["192.0.2.1", "2001:DB8:0::/32"], blockCountries: ["XX"] });
  assert.deepEqual(blocked.blockedAddresses, ["192.0.2.1", "2001:db8::/32"]);
  assert.deepEqual(apply(blocked, { block: ["192.0.2.1"] }), blocked);
  const back = apply(blocked, { unblock: ["2001:db8::/32", "192.0.2.1"], unblockCountries: ["XX"] });
  assert.deepEqual(back, nothing);
  const allowed = apply(nothing, { allow: ["10.0.0.0/8"] });
  assert.deepEqual(allowed.allowedAddresses, ["10.0.0.0/8"]);
  assert.deepEqual(apply(allowed, { disallow: ["10.0.0.0/8"] }), nothing);
});

test("applyFirewallChange() sets single settings, and null takes them away", () => {
  const set = apply(nothing, {
    shadow: true,
    connectionLimit: { count: 5, windowSeconds: 10 },
    maxConnectionsPerAddress: 7,
  });
  assert.equal(set.shadow, true);
  assert.deepEqual(set.connectionLimit, { count: 5, windowSeconds: 10 });
  assert.deepEqual(apply(set, {}), set);
  assert.deepEqual(apply(set, { shadow: null, connectionLimit: null, maxConnectionsPerAddress: null }), nothing);
});

test("applyFirewallChange() refuses to take away what is not there, and to refuse everybody", () => {
  const part = apply(nothing, { block: ["192.0.2.0/24"] });
  assert.throws(() => apply(part, { unblock: ["192.0.2.1"] }), (error) => {
    assert.match(String(error), /"192\.0\.2\.1": it is not on the list, expected one of: 192\.0\.2\.0\/24/);
    return codeOf("not-found")(error);
  });
  assert.throws(() => apply(nothing, { unblockCountries: ["XX"] }), /expected an entry of it, which is empty/);
  for (const everybody of ["0.0.0.0/0", "::/0"]) {
    assert.throws(() => apply(nothing, { block: [everybody] }), codeOf("invalid-request"));
  }
});

test("mergeFirewall() unites lists, and takes settings of the node before those of all", () => {
  assert.deepEqual(mergeFirewall(nothing, nothing), openFirewall);
  const shared = apply(nothing, {
    block: ["192.0.2.1"],
    shadow: true,
    connectionLimit: { count: 5, windowSeconds: 10 },
  });
  const own = apply(nothing, { block: ["192.0.2.2", "192.0.2.1"], shadow: false, maxConnectionsPerAddress: 3 });
  assert.deepEqual(
    mergeFirewall(shared, own),
    FirewallRules.parse({
      blockedAddresses: ["192.0.2.1", "192.0.2.2"],
      connectionLimit: { count: 5, windowSeconds: 10 },
      maxConnectionsPerAddress: 3,
    }),
  );
  assert.equal(mergeFirewall(shared, nothing).shadow, true);
});

test("mergeFirewall() refuses more entries than a proxy takes", () => {
  const many = (second: number) =>
    FirewallPart.parse({
      allowedAddresses: Array.from({ length: 6_000 }, (_, index) => `10.${second}.${index >> 8}.${index & 255}`),
    });
  assert.throws(() => mergeFirewall(many(1), many(2)), codeOf("conflict"));
});
