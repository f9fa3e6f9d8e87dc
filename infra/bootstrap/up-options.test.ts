import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseUpFlags } from "./up-options.ts";

test("parseUpFlags() has a default for everything", () => {
  assert.deepEqual(parseUpFlags({}), {
    folder: resolve(".mc"),
    domain: "mcp.localhost",
    node: "local",
    address: "127.0.0.1",
    proxyPort: 8443,
    dnsPort: 5300,
    apiPort: undefined,
  });
});

test("parseUpFlags() names the flag and the value that cannot be used", () => {
  const wrong = [
    [{ domain: "No Domain" }, /--domain "No Domain"/],
    [{ node: "1x" }, /--node "1x"/],
    [{ address: "localhost" }, /--address "localhost": expected an IP address/],
    [{ proxyPort: "70000" }, /--proxy-port "70000": expected a port/],
    [{ dnsPort: "0" }, /--dns-port "0"/],
    [{ apiPort: "1e3" }, /--api-port "1e3"/],
    [{ proxyPort: "5300" }, /--dns-port "5300": --proxy-port has it, expected another port/],
    [{ apiPort: "8443" }, /--api-port "8443": --proxy-port has it/],
  ] as const;
  for (const [flags, message] of wrong) {
    assert.throws(
      () => parseUpFlags(flags),
      (error) => error instanceof PlatformError && error.code === "invalid-usage" && message.test(error.message),
    );
  }
});
