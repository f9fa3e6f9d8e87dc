import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { loadDnsConfig } from "./config.ts";

async function writeConfig(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dns-config-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "dns.toml"), text);
  return join(folder, "dns.toml");
}

test("loadDnsConfig() needs a state path only", async (t) => {
  const { config, logLevel } = await loadDnsConfig(await writeConfig(t, '[dns]\nstate_path = "zones.cbor"\n'), {});
  assert.deepEqual(config.listen, [{ address: "127.0.0.1", port: 5300 }]);
  assert.ok(config.allowForward.includes("10.0.0.0/8"));
  assert.deepEqual([config.upstreams, config.controlPlane, config.adminListen, logLevel], [
    undefined,
    undefined,
    undefined,
    "info",
  ]);
});

test("loadDnsConfig() reads every key, and variables before the file", async (t) => {
  const path = await writeConfig(
    t,
    `[dns]
listen = ["0.0.0.0:53", "[::1]:53"]
state_path = "z"
upstreams = ["192.0.2.1"]
allow_forward = []
[admin]
listen_addr = "127.0.0.1:9153"
[control_plane]
mcns_url = "https://mcns.example:8443"
mcias_url = "https://mcias.example:8443"
identity_path = "id.json"
`,
  );
  const { config, logLevel } = await loadDnsConfig(path, { DNS_DNS_STATE_PATH: "other", DNS_LOG_LEVEL: "debug" });
  assert.deepEqual(config, {
    listen: [{ address: "0.0.0.0", port: 53 }, { address: "::1", port: 53 }],
    statePath: "other",
    upstreams: [{ address: "192.0.2.1", port: 53 }],
    allowForward: [],
    adminListen: { host: "127.0.0.1", port: 9153 },
    controlPlane: {
      mcnsUrl: "https://mcns.example:8443",
      mciasUrl: "https://mcias.example:8443",
      identityPath: "id.json",
    },
  });
  assert.equal(logLevel, "debug");
});

test("loadDnsConfig() names all that is wrong", async (t) => {
  const path = await writeConfig(t, '[dns]\nlisten = ["somewhere"]\nunknown = 1\n');
  await assert.rejects(
    loadDnsConfig(path, {}),
    (error: unknown) =>
      error instanceof PlatformError && error.code === "invalid-config" && /listen/.test(error.message),
  );
});
