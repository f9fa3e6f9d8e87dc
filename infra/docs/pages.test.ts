import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { hasCode } from "#shared/contract/testing.ts";
import { errorCatalogue } from "#shared/errors/catalogue.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import type { CommandSpec } from "../../cli/command-spec.ts";
import { commandTree } from "../../cli/command-tree.ts";
import { loadCliConfig } from "../../cli/platform/config.ts";
import { loadProxyConfig } from "../../edge-proxy/config.ts";
import { contracts } from "../../handlers/compose.ts";
import { loadServerConfig } from "../../handlers/server-config.ts";
import { loadAgentConfig } from "../../node-runtime/agent/config.ts";
import { loadDnsConfig } from "../../node-runtime/dns/config.ts";
import { configPrograms } from "./config-programs.ts";
import { toSections } from "./configuration-page.ts";
import { createPages } from "./pages.ts";
import { listTables } from "./schema-tables.ts";

const pages = createPages();
const pageOf = (name: string) => pages[name] ?? "";

test("createPages() lists every error code", () => {
  for (const [name, { httpStatus, title }] of Object.entries(errorCatalogue)) {
    assert.ok(pageOf("reference/errors.md").includes(`| \`${name}\` | ${httpStatus} |`), name);
    assert.ok(pageOf("reference/errors.md").includes(title), name);
  }
});

test("createPages() lists every endpoint with its callers", () => {
  for (const contract of Object.values(contracts)) {
    for (const { id, method, path, access } of Object.values(contract)) {
      const callers = access === "public" ? access : access.join(", ");
      assert.ok(pageOf("reference/api.md").includes(`| \`${id}\` | \`${method} ${path}\` | ${callers} |`), path);
      assert.ok(pageOf("openapi.json").includes(`"${path}": {`), path);
    }
  }
});

test("createPages() lists every command that is not hidden", () => {
  for (const { name, isHidden, commands } of commandTree) {
    const isListed = pageOf("reference/cli.md").includes(`## mcp ${name}`);
    assert.equal(isListed, isHidden !== true, name);
    for (const words of (commands ?? []).flatMap(leavesOf)) {
      assert.ok(pageOf("reference/cli.md").includes(`## mcp ${name} ${words}\n`), words);
    }
  }
});

/** The words of all commands at and below one, without those that only have commands below them. */
function leavesOf({ name, commands }: CommandSpec): string[] {
  return commands === undefined ? [name] : commands.flatMap(leavesOf).map((words) => `${name} ${words}`);
}

test("every field of the service definition has a meaning", () => {
  const silent = listTables(ServiceDefinition).flatMap(({ header, fields }) =>
    fields.filter(({ meaning }) => meaning === "").map(({ key }) => `${header} ${key}`)
  );
  assert.deepEqual(silent, []);
});

test("toSections() refuses a key without a meaning and a meaning without a key", () => {
  const program = { title: "x", usage: "", envPrefix: "X", schema: z.object({ a: z.object({ b: z.string() }) }) };
  assert.throws(() => toSections({ ...program, meanings: {} }), /a\.b/);
  assert.throws(() => toSections({ ...program, meanings: { "a.b": "B.", "a.c": "C." } }), /a\.c/);
  assert.equal(toSections({ ...program, meanings: { "a.b": "B." } }).length, 3);
});

test("the documented variables are those that the programs read", async () => {
  await using folder = await createTemporaryFolder();
  const path = join(folder.path, "empty.toml");
  await writeFile(path, "");
  const loaders: Readonly<Record<string, (env: Record<string, string>) => Promise<unknown>>> = {
    server: (env) => loadServerConfig(path, env),
    proxy: (env) => loadProxyConfig(path, env),
    dns: (env) => loadDnsConfig(path, env),
    agent: (env) => loadAgentConfig(path, env),
    "mcp.toml": (env) => loadCliConfig({ configPath: path, env, homeDir: folder.path }),
  };
  for (const { title, envPrefix } of configPrograms) {
    const variable = title === "mcp.toml" ? `${envPrefix}_API_URL` : `${envPrefix}_LOG_LEVEL`;
    assert.ok(pageOf("reference/configuration.md").includes(`\`$${variable}\``), variable);
    const load = loaders[title] ?? assert.fail(title);
    await assert.rejects(
      load({ [variable]: "nonsense" }),
      (error) => hasCode("invalid-config")(error) && String(error).includes(`$${variable}`),
    );
  }
});
