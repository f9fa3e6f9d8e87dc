import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createAddressCheck, defaultClientNetworks } from "./client-networks.ts";

test("createAddressCheck() allows loopback and private clients by default and no others", () => {
  const isAllowed = createAddressCheck(defaultClientNetworks);
  const allowed = [
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "::1",
    "fd00::1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
  ];
  const others = ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8", "", "not an address"];
  assert.deepEqual(allowed.map(isAllowed), allowed.map(() => true));
  assert.deepEqual([...others, ...others].map(isAllowed), [...others, ...others].map(() => false));
});

test("createAddressCheck() refuses what is not a network", () => {
  for (const network of ["10.0.0.0", "10.0.0.0/33", "host/8", "::/129", "10.0.0.0/x"]) {
    assert.throws(
      () => createAddressCheck([network]),
      (error: unknown) => error instanceof PlatformError && error.code === "invalid-config",
      network,
    );
  }
});
