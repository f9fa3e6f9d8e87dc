import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createClient } from "#shared/contract/client.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import { mcnsContract } from "#shared/contract/mcns.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import { enrolMachine, openMachineIdentity } from "#shared/mcdsl/machine-identity.ts";
import { statePathsOf } from "./bootstrap-platform.ts";
import type { SystemName } from "./path-table.ts";
import { loadServerConfig, type ServerConfig } from "./server-config.ts";
import { type RunningServer, startServer } from "./start.ts";
import { issuerOf } from "./systems.ts";

async function writeConfig(context: TestContext, more = ""): Promise<ServerConfig> {
  const folder = await mkdtemp(join(tmpdir(), "server-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "server.toml");
  await writeFile(
    path,
    `[server]\ndomain = "mcp.localhost"\nlisten_addr = "127.0.0.1:0"\nstate_dir = "${folder}/state"\n` +
      `[node]\nname = "local"\nidentity_path = "${folder}/node/identity.json"\n${more}`,
  );
  return await loadServerConfig(path, {});
}

async function start(context: TestContext, config: ServerConfig, only?: readonly SystemName[]): Promise<RunningServer> {
  const server = await startServer(config, {
    log: silentLog,
    version: "0.0.1",
    ...(only === undefined ? {} : { only }),
  });
  context.after(() => server[Symbol.asyncDispose]());
  return server;
}

const clientOf = (server: RunningServer, token?: string) => ({
  fetch: (request: Request) => fetch(request),
  baseUrl: server.ready.api,
  ...(token === undefined ? {} : { token: () => token }),
});

async function loginAdmin(server: RunningServer, config: ServerConfig): Promise<string> {
  const password = (await readFile(statePathsOf(config.stateFolder).adminPassword, "utf8")).trim();
  return (await createClient(mciasContract, clientOf(server)).login({ body: { username: "admin", password } })).token;
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test("startServer() makes admin, root certificate, zones and a join token at first boot", async (context) => {
  const config = await writeConfig(context);
  const paths = statePathsOf(config.stateFolder);
  const server = await start(context, config);
  assert.equal(await modeOf(paths.adminPassword), 0o600);
  assert.equal(await modeOf(paths.masterKey), 0o600);
  assert.equal(await modeOf(paths.mcpIdentity), 0o600);
  assert.equal(await modeOf(paths.joinToken("local")), 0o600);
  assert.equal(await modeOf(paths.ca), 0o644);
  const token = await loginAdmin(server, config);
  const { zones } = await createClient(mcnsContract, clientOf(server, token)).listZones({});
  assert.deepEqual(zones.map(({ name }) => name).sort(), ["mcp.localhost", "svc.mcp.localhost"]);
  const { records } = await createClient(mcnsContract, clientOf(server, token)).listRecords({
    params: { zone: "mcp.localhost" },
  });
  assert.ok(
    records.some(({ name, type, value }) => name === "ns1.mcp.localhost" && type === "A" && value === "127.0.0.1"),
  );
  assert.equal((await fetch(`${server.ready.api}/healthz`)).status, 200);
  assert.equal((await fetch(`${server.ready.api}/v2/`)).status, 401);
});

test("startServer() keeps what it made when it starts again", async (context) => {
  const config = await writeConfig(context);
  const paths = statePathsOf(config.stateFolder);
  const first = await start(context, config);
  const before = [
    await readFile(paths.adminPassword, "utf8"),
    await readFile(paths.ca, "utf8"),
    await readFile(paths.mcpIdentity, "utf8"),
  ];
  await first[Symbol.asyncDispose]();
  const second = await start(context, config);
  const after = [
    await readFile(paths.adminPassword, "utf8"),
    await readFile(paths.ca, "utf8"),
    await readFile(paths.mcpIdentity, "utf8"),
  ];
  assert.deepEqual(after, before);
  await loginAdmin(second, config);
});

test("startServer() lets the local node enrol once, and shows in the metrics when it was heard of", async (context) => {
  const config = await writeConfig(context);
  const joinTokenPath = statePathsOf(config.stateFolder).joinToken("local");
  const identityPath = config.node?.identityPath ?? "";
  const server = await start(context, config);
  const joinToken = (await readFile(joinTokenPath, "utf8")).trim();
  const enrol = { client: clientOf(server), joinToken, issuer: issuerOf(config.domain), identityPath };
  await enrolMachine(enrol);
  await assert.rejects(
    enrolMachine(enrol),
    (error) => error instanceof PlatformError && error.code === "invalid-credentials",
  );
  const identity = await openMachineIdentity({ identityPath, client: clientOf(server), now: () => new Date() });
  const mcp = createClient(mcpContract, clientOf(server, await identity.token()));
  await mcp.heartbeat({ params: { node: "local" }, body: { address: "127.0.0.1", version: "0.0.1" } });
  const metrics = await (await fetch(`${server.ready.api}/metrics`)).text();
  assert.match(metrics, /metacircular_node_silent_seconds\{node="local"\} \d/);
  await server[Symbol.asyncDispose]();
  await start(context, config);
  assert.ok(!existsSync(joinTokenPath), "an enrolled node gets no join token");
});

test("startServer() ends open streams when it is disposed", async (context) => {
  const config = await writeConfig(context);
  const server = await start(context, config);
  const token = await loginAdmin(server, config);
  const stream = await createClient(mcnsContract, clientOf(server, token)).zoneStream({ query: { since: 0 } });
  const reader = stream.body?.getReader();
  assert.equal((await reader?.read())?.done, false);
  await server[Symbol.asyncDispose]();
  for (;;) {
    const next = await reader?.read().catch(() => ({ done: true }));
    if (next?.done !== false) break;
  }
});

test("startServer() runs a part of the systems and asks its peers for the others", async (context) => {
  const config = await writeConfig(context);
  const all = await start(context, config);
  const origin = all.ready.api;
  const registryConfig = await writeConfig(context, `[peers]\nmcias = "${origin}"\n`);
  const registry = await start(context, registryConfig, ["mcr"]);
  assert.deepEqual(registry.ready.systems, ["mcr"]);
  const token = await loginAdmin(all, config);
  const listed = await fetch(`${registry.ready.api}/v1/images`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual(await listed.json(), { images: [] });
  const elsewhere = await fetch(`${registry.ready.api}/v1/whoami`);
  assert.equal(elsewhere.status, 404);
  assert.ok((await elsewhere.text()).includes(origin));
  assert.ok(!existsSync(statePathsOf(registryConfig.stateFolder).adminPassword));
});

test("startServer() says which peer it needs", async (context) => {
  const config = await writeConfig(context);
  await assert.rejects(
    start(context, config, ["mcr"]),
    (error) =>
      error instanceof PlatformError && error.code === "invalid-config" && /\[peers\] mcias/.test(error.message),
  );
  const withMcias = { ...config, peers: { mcias: "http://127.0.0.1:9" } };
  await assert.rejects(start(context, withMcias, ["mcp"]), /identity ".*mcp\.json" is missing.*metacircular enrol/);
});

test("startServer() refuses a taken port and another master key", async (context) => {
  const config = await writeConfig(context);
  const server = await start(context, config);
  const port = Number(new URL(server.ready.api).port);
  const other = await writeConfig(context);
  await assert.rejects(
    start(context, { ...other, listen: { host: "127.0.0.1", port } }),
    (error) => error instanceof PlatformError && error.code === "conflict" && error.message.includes(String(port)),
  );
  await server[Symbol.asyncDispose]();
  await assert.rejects(
    startServer(config, { log: silentLog, version: "0.0.1", masterKey: "A".repeat(43) + "=" }),
    (error) => error instanceof PlatformError && error.code === "sealed",
  );
});

test("loadServerConfig() reports all problems at once and takes overrides", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "server-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(folder, { recursive: true });
  const path = join(folder, "server.toml");
  await writeFile(path, '[server]\ndomain = "No"\nlisten_addr = "x"\n[peers]\nmcias = "ftp://x"\n');
  await assert.rejects(
    loadServerConfig(path, {}),
    (error) =>
      error instanceof PlatformError && error.code === "invalid-config" &&
      ["domain", "listen_addr", "state_dir", "mcias"].every((key) => error.message.includes(key)),
  );
  const env = {
    SERVER_SERVER_DOMAIN: "a.net",
    SERVER_SERVER_LISTEN_ADDR: ":1",
    SERVER_SERVER_STATE_DIR: "/s",
    SERVER_PEERS_MCIAS: "https://b",
  };
  const config = await loadServerConfig(path, {
    ...env,
    SERVER_DATABASE_MCR_URL: "libsql://db",
    SERVER_DATABASE_AUTH_TOKEN: "t",
  });
  assert.equal(config.domain, "a.net");
  assert.deepEqual((await loadServerConfig(path, { ...env, PORT: "12345" })).listen, { host: "0.0.0.0", port: 12_345 });
  assert.deepEqual(config.databases.mcr, { url: "libsql://db", authToken: "t" });
  assert.deepEqual(config.databases.mcp, { url: "file:/s/databases/mcp.db" });
});

test("wrong passwords at the registry count for the network that they come from", async (context) => {
  const config = await writeConfig(context);
  const server = await start(context, config);
  const tryPassword = async (username: string, ip: string) => {
    const authorization = `Basic ${btoa(`${username}:wrong-password`)}`;
    const response = await fetch(`${server.ready.api}/v2/token`, { headers: { authorization, "x-real-ip": ip } });
    await response.body?.cancel();
    return response.status;
  };
  const statuses: number[] = [];
  for (let count = 0; count < 12; count += 1) statuses.push(await tryPassword(`user${count}`, "192.0.2.7"));
  assert.ok(statuses.includes(429), `many names from one address are slowed down: ${statuses.join(" ")}`);
  assert.equal(await tryPassword("somebody", "198.51.100.9"), 401);
});
