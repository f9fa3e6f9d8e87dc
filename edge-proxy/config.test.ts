import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LimitsFile } from "./config-limits.ts";
import { loadProxyConfig } from "./config.ts";
import { defaultLimits } from "./limits.ts";

async function load(text: string, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "edge-proxy-"));
  try {
    await writeFile(join(folder, "proxy.toml"), text);
    return await loadProxyConfig(join(folder, "proxy.toml"), env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("loadProxyConfig() needs a node and a folder, and has defaults for the rest", async () => {
  const { config, logLevel } = await load('[proxy]\nnode = "edge"\nfolder = "data"\n', {
    MC_PROXY_LISTEN_PORT: "9443",
  });
  assert.deepEqual(config, {
    node: "edge",
    folder: "data",
    workers: 1,
    address: "127.0.0.1",
    port: 9443,
    aliasPorts: [443, 8443],
    settings: {
      staticRoutes: [],
      reusePort: false,
      proxyProtocolPorts: [],
      trustedProxies: [],
      refuseWith: "alert",
      accessLog: "all",
    },
    limits: {},
    suppliedCertificates: [],
    trackedClients: 65_536,
  });
  assert.equal(logLevel, "info");
});

test("loadProxyConfig() names every problem", async () => {
  await assert.rejects(load('[listen]\nport = 70000\naddress = "x"\n'), (error: Error) => {
    for (const part of ["[proxy]", "[listen] port", "[listen] address"]) {
      assert.ok(error.message.includes(part), error.message);
    }
    return true;
  });
});

const base = '[proxy]\nnode = "edge"\nfolder = "data"\n';

test("loadProxyConfig() has a key for every limit", async () => {
  const { config } = await load(`${base}[limits]\n${
    Object.keys(LimitsFile.shape).map((key, index) => {
      const isCount = /bytes|connections|handshakes/.test(key);
      return `${key} = ${isCount ? 2_000 + index : `"${index + 1}s"`}`;
    }).join("\n")
  }\n`);
  assert.deepEqual(Object.keys(config.limits).sort(), Object.keys(defaultLimits).sort());
  assert.equal(config.limits.firstByteMs, 1_000);
});

test("loadProxyConfig() reads static routes, whose names are written as people write them", async () => {
  const { config } = await load(`${base}
[[routes]]
hostname = "Bücher.Example."
mode = "l7"
backends = ["127.0.0.1:8080", "[::1]:8080"]
idle = "5m"
[[routes]]
hostname = "*.example.org"
port = 8443
mode = "l4"
backends = ["10.0.0.1:443"]
send_proxy_protocol = "v2"
allow_addresses = ["10.0.0.0/8"]
`);
  const [first, second] = config.settings?.staticRoutes ?? [];
  assert.deepEqual(first, {
    hostname: "xn--bcher-kva.example",
    port: 443,
    mode: "l7",
    service: "static",
    component: "static",
    origin: "static",
    backends: [
      { instance: "static-127.0.0.1-8080", address: "127.0.0.1", port: 8080 },
      { instance: "static-::1-8080", address: "::1", port: 8080 },
    ],
    limits: { idleMs: 300_000 },
  });
  assert.equal(second?.hostname, "*.example.org");
  assert.equal(second?.sendProxyProtocol, "v2");
  assert.deepEqual(second?.policies, { allowAddresses: ["10.0.0.0/8"] });
});

const wrong: readonly [what: string, text: string, problem: RegExp][] = [
  [
    "two static routes of one name and port",
    '[[routes]]\nhostname = "a.test"\nmode = "l4"\nbackends = ["127.0.0.1:1"]\n'.repeat(2),
    /already/,
  ],
  [
    "P5: a PROXY header on pooled connections",
    '[[routes]]\nhostname = "a.test"\nmode = "l7"\nbackends = ["127.0.0.1:1"]\nsend_proxy_protocol = "v1"\n',
    /no PROXY header/,
  ],
  ["a backend that is a name", '[[routes]]\nhostname = "a.test"\nmode = "l4"\nbackends = ["web:80"]\n', /IP address/],
  ["P1: a PROXY header that nobody may send", "[listen]\nproxy_protocol_ports = [8443]\n", /trusted_proxies/],
  [
    "half an external account",
    '[acme]\ndirectory_url = "https://ca.test/"\nexternal_key_id = "x"\n',
    /both or neither/,
  ],
  ["no worker", "[proxy]\nworkers = 0\n", /workers/],
];

for (const [what, text, problem] of wrong) {
  test(`loadProxyConfig() refuses ${what}`, async () => {
    const whole = text.startsWith("[proxy]") ? base + text.slice(8) : base + text;
    await assert.rejects(load(whole), (error: Error) => problem.test(error.message) || assert.fail(error.message));
  });
}
