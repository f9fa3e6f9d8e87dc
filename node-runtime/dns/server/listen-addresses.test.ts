import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { expandEndpoints, type Interfaces } from "./listen-addresses.ts";

const entry = { netmask: "", mac: "", internal: false, cidr: null };
const interfaces: Interfaces = {
  lo: [{ ...entry, address: "127.0.0.1", family: "IPv4" }, { ...entry, address: "::1", family: "IPv6", scopeid: 0 }],
  eth0: [{ ...entry, address: "192.0.2.7", family: "IPv4" }, {
    ...entry,
    address: "fe80::1",
    family: "IPv6",
    scopeid: 2,
  }],
};

test("expandEndpoints() puts every address of the machine for a wildcard, once", () => {
  const any = { address: "0.0.0.0", port: 53 };
  const loopback = { address: "127.0.0.1", port: 53 };
  assert.deepEqual(expandEndpoints([any, loopback], interfaces), [loopback, { address: "192.0.2.7", port: 53 }]);
  assert.deepEqual(expandEndpoints([{ address: "::", port: 53 }], interfaces), [{ address: "::1", port: 53 }]);
});

test("expandEndpoints() finds a loopback address on this machine", () => {
  assert.ok(
    expandEndpoints([{ address: "0.0.0.0", port: 53 }], networkInterfaces()).some(({ address }) =>
      address === "127.0.0.1"
    ),
  );
});
