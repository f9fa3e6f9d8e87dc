import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { endpointToText, parseEndpointAddress, parseResolvConf } from "./endpoint-address.ts";

test("parseEndpointAddress() reads addresses with and without a port", () => {
  assert.deepEqual(parseEndpointAddress("192.0.2.1:5300"), { address: "192.0.2.1", port: 5300 });
  assert.deepEqual(parseEndpointAddress("192.0.2.1"), { address: "192.0.2.1", port: 53 });
  assert.deepEqual(parseEndpointAddress("2001:db8::1"), { address: "2001:db8::1", port: 53 });
  assert.deepEqual(parseEndpointAddress("[2001:db8::1]:0"), { address: "2001:db8::1", port: 0 });
  assert.equal(endpointToText({ address: "::1", port: 53 }), "[::1]:53");
});

test("parseEndpointAddress() refuses names and ports that are none", () => {
  for (const text of ["dns.example:53", "192.0.2.1:70000", "192.0.2.1:", "", "[x]:1"]) {
    assert.throws(
      () => parseEndpointAddress(text),
      (error: unknown) => error instanceof PlatformError && error.code === "invalid-config",
      text,
    );
  }
});

test("parseResolvConf() leaves ourselves out, as asking ourselves would loop", () => {
  const text = "# nameserver 192.0.2.9\nnameserver 127.0.0.1\n nameserver 192.0.2.1\nnameserver x\nsearch example\n";
  assert.deepEqual(parseResolvConf(text, ({ address }) => address === "127.0.0.1"), [{
    address: "192.0.2.1",
    port: 53,
  }]);
});
