import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadCliConfig } from "../../cli/platform/config.ts";
import { loadProxyConfig } from "../../edge-proxy/config.ts";
import { loadServerConfig } from "../../handlers/server-config.ts";
import { loadAgentConfig } from "../../node-runtime/agent/config.ts";
import { loadDnsConfig } from "../../node-runtime/dns/config.ts";
import { layoutOf } from "./layout.ts";
import type { PlatformFacts } from "./program-configs.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";
import { mergeTables, writeConfigs } from "./write-configs.ts";

const facts: Omit<PlatformFacts, "folder"> = {
  domain: "mcp.example.net",
  node: "rift",
  address: "127.0.0.1",
  proxyPort: 9443,
  dnsPort: 5301,
  apiPort: 8441,
  platformId: "0123456789ab",
  podmanSocket: "/run/x/podman.sock",
};

test("writeConfigs() writes what each program accepts", async (context) => {
  const folder = await temporaryFolder(context);
  const layout = layoutOf(folder);
  await writeConfigs({ ...facts, folder }, { layout, podmanFolder: layout.podman });
  const server = await loadServerConfig(layout.config("server"), {});
  assert.deepEqual(server.listen, { host: "127.0.0.1", port: 8441 });
  assert.deepEqual(server.node, { name: "rift", address: "127.0.0.1", identityPath: layout.identity });
  assert.equal(server.dnsServer, "127.0.0.1:5301");
  assert.equal(server.databases.mcp.url, `file:${join(layout.server, "databases", "mcp.db")}`);
  const { config: proxy } = await loadProxyConfig(layout.config("proxy"), {});
  assert.deepEqual([proxy.node, proxy.port, proxy.rootFile], ["rift", 9443, layout.ca]);
  assert.deepEqual(proxy.aliasPorts, server.proxy.aliasPorts);
  const { config: dns } = await loadDnsConfig(layout.config("dns"), {});
  assert.deepEqual(dns.listen.map(({ address, port }) => [address, port]), [["127.0.0.1", 5301]]);
  const { config: agent } = await loadAgentConfig(layout.config("agent"), {});
  assert.equal(agent.platform, "0123456789ab");
  assert.deepEqual(agent.podman, {
    socketPath: "/run/x/podman.sock",
    registryName: "mcr.svc.mcp.example.net:9443",
    registryLocation: "127.0.0.1:8441",
  });
  assert.equal((await stat(layout.config("server"))).mode & 0o777, 0o600);
});

test("writeConfigs() keeps what the operator changed in mcp.toml, and sets the platform's own keys", async (context) => {
  const folder = await temporaryFolder(context);
  const layout = layoutOf(folder);
  await mkdir(layout.cli, { recursive: true });
  await writeFile(layout.cliConfig, '[api]\nurl = "http://old"\n[build]\nworkspace = "/src"\nregistry = "old"\n');
  await writeConfigs({ ...facts, folder }, { layout, podmanFolder: layout.podman });
  const cli = await loadCliConfig({ configPath: layout.cliConfig, env: {}, homeDir: folder });
  assert.equal(cli.apiUrl, "http://127.0.0.1:8441");
  assert.equal(cli.workspaceDir, "/src");
  assert.equal(cli.pushRegistry, "127.0.0.1:8441");
  assert.equal(cli.servicesDir, layout.services);
  assert.deepEqual(cli.newDefinition, { registry: "mcr.svc.mcp.example.net:9443", node: "rift" });
  assert.equal(cli.containersConfPath, join(layout.podman, "containers.conf"));
  assert.match(await readFile(layout.cliConfig, "utf8"), /^# Kept by/);
});

test("mergeTables() prefers the kept value except for the platform's keys", () => {
  const fresh = { api: { url: "new" }, auth: { token_path: "a" } };
  assert.deepEqual(mergeTables(fresh, { api: { url: "old" }, auth: { token_path: "b" }, extra: 1 }), {
    api: { url: "new" },
    auth: { token_path: "b" },
    extra: 1,
  });
});
