import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { hasCode } from "../contract/testing.ts";
import { PlatformError } from "../errors/platform-error.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { type ConfigOptions, loadConfig, parseConfig, standardPorts } from "./config.ts";
import { DurationMs, ListenAddress } from "./duration.ts";

const schema = z.object({
  server: z.strictObject({
    listen_addr: ListenAddress,
    grpc_addr: ListenAddress.optional(),
    workers: z.int().min(1).default(2),
    tls: z.boolean().default(true),
    origins: z.array(z.string()).default([]),
    idle: DurationMs.default(1_000),
  }),
  log: z.object({ level: z.enum(["info", "warn"]) }).default({ level: "info" }),
});
const table = { server: { listen_addr: "127.0.0.1:8443" } };
const parse = (env: ConfigOptions<typeof schema>["env"] = {}, from: Record<string, unknown> = table) =>
  parseConfig(from, { schema, path: "mcr.toml", envPrefix: "MCR", env, ports: standardPorts });

test("loadConfig() reads the file and fills in defaults", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "mcr.toml");
  await writeFile(path, '[server]\nlisten_addr = "[::1]:8443"\nidle = "5m"\n');
  const config = await loadConfig({ schema, path, envPrefix: "MCR", env: {} });
  assert.deepEqual(config.server.listen_addr, { host: "::1", port: 8443 });
  assert.deepEqual([config.server.workers, config.server.tls, config.server.idle], [2, true, 300_000]);
});

test("loadConfig() says which file it cannot read, and where a file is not TOML", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "mcr.toml");
  const load = () => loadConfig({ schema, path, envPrefix: "MCR", env: {} });
  await assert.rejects(load(), (error) => hasCode("invalid-config")(error) && String(error).includes(path));
  await writeFile(path, '[server]\nlisten_addr = "a\n');
  await assert.rejects(load(), (error) => hasCode("invalid-config")(error) && String(error).includes(`${path}:2:`));
});

test("parseConfig() reads a variable as the type that its key has", () => {
  const { server, log } = parse({
    MCR_SERVER_WORKERS: "8",
    MCR_SERVER_TLS: "false",
    MCR_SERVER_ORIGINS: "https://a, https://b",
    MCR_SERVER_IDLE: "250ms",
    MCR_LOG_LEVEL: "warn",
  });
  assert.deepEqual([server.workers, server.tls, server.origins, server.idle, log.level], [
    8,
    false,
    ["https://a", "https://b"],
    250,
    "warn",
  ]);
  assert.deepEqual(parse({ MCR_SERVER_TLS: "1", MCR_SERVER_ORIGINS: "" }).server.origins, []);
});

test("parseConfig() lets a variable win over the file, and $PORT over both", () => {
  const listen = (env: Record<string, string>) => parse(env).server.listen_addr;
  assert.deepEqual(listen({}), { host: "127.0.0.1", port: 8443 });
  assert.deepEqual(listen({ MCR_SERVER_LISTEN_ADDR: "10.0.0.1:1" }), { host: "10.0.0.1", port: 1 });
  assert.deepEqual(listen({ MCR_SERVER_LISTEN_ADDR: "10.0.0.1:1", PORT: "20001" }), { host: "0.0.0.0", port: 20001 });
  assert.deepEqual(parse({ PORT_GRPC: "20002" }).server.grpc_addr, { host: "0.0.0.0", port: 20002 });
});

test("parseConfig() leaves the table it was given alone", () => {
  const before = structuredClone(table);
  parse({ PORT: "1", MCR_SERVER_WORKERS: "3" });
  assert.deepEqual(table, before);
});

test("parseConfig() works without the file's section when variables give it", () => {
  assert.equal(parse({ MCR_SERVER_LISTEN_ADDR: ":1" }, {}).server.listen_addr.port, 1);
});

test("parseConfig() reports all problems at once, each with its key and variable", () => {
  const bad = { server: { listen_addr: "nowhere", workers: 0, tls: "yes", colour: 1 }, log: { level: "loud" } };
  assert.throws(() => parse({ MCR_SERVER_IDLE: "soon" }, bad), (error) => {
    assert.ok(error instanceof PlatformError && error.code === "invalid-config");
    const problems = z.array(z.string()).parse(error.details["problems"]);
    assert.equal(problems.length, 6);
    assert.match(error.message, /^Cannot use the configuration "mcr.toml": /);
    assert.match(
      error.message,
      /\[server\] listen_addr: expected "host:port" or ":port" \(or set \$MCR_SERVER_LISTEN_ADDR\)/,
    );
    assert.match(error.message, /\[server\] idle: expected a duration/);
    assert.match(error.message, /\[server\] Unrecognized key: "colour"/);
    assert.match(error.message, /\[log\] level: .*\$MCR_LOG_LEVEL/);
    return true;
  });
});

test("parseConfig() does not take an empty or wrong number for a number", () => {
  for (const workers of ["", " ", "two", "1.5"]) {
    assert.throws(() => parse({ MCR_SERVER_WORKERS: workers }), hasCode("invalid-config"));
  }
});

test("DurationMs and ListenAddress take what the guide writes and refuse the rest", () => {
  const durations = { "250ms": 250, "30s": 30_000, "5m": 300_000, "12h": 43_200_000, "7d": 604_800_000 };
  for (const [text, ms] of Object.entries(durations)) assert.equal(DurationMs.parse(text), ms);
  for (const text of ["", "30", "s", "-1s", "1.5h", "1w"]) {
    assert.equal(DurationMs.safeParse(text).success, false, text);
  }
  assert.deepEqual(ListenAddress.parse(":53"), { host: "0.0.0.0", port: 53 });
  for (const text of ["", "host", "host:", "::1:53", "a:70000"]) {
    assert.equal(ListenAddress.safeParse(text).success, false, text);
  }
});
