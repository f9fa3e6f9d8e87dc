import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configPathOf, loadCliConfig } from "./config.ts";

test("configPathOf() prefers --config to $MCP_CONFIG to the XDG folder to ~/.config", () => {
  const homeDir = "/home/me";
  assert.equal(configPathOf({ configPath: undefined, env: {}, homeDir }), "/home/me/.config/mcp/mcp.toml");
  assert.equal(configPathOf({ configPath: undefined, env: { XDG_CONFIG_HOME: "/x" }, homeDir }), "/x/mcp/mcp.toml");
  assert.equal(
    configPathOf({ configPath: undefined, env: { XDG_CONFIG_HOME: "/x", MCP_CONFIG: "/e.toml" }, homeDir }),
    "/e.toml",
  );
  assert.equal(configPathOf({ configPath: "~/c.toml", env: { MCP_CONFIG: "/e.toml" }, homeDir }), "/home/me/c.toml");
});

test("loadCliConfig() has the guide's defaults beside mcp.toml, and takes a missing file for an empty one", async () => {
  const { apiUrl, servicesDir, workspaceDir, tokenPath, pushRegistry, caPath } = await loadCliConfig({
    configPath: undefined,
    env: {},
    homeDir: "/nonexistent",
  });
  assert.deepEqual({ apiUrl, servicesDir, workspaceDir, tokenPath, pushRegistry, caPath }, {
    apiUrl: undefined,
    servicesDir: "/nonexistent/.config/mcp/services",
    workspaceDir: "/nonexistent/src/metacircular",
    tokenPath: "/nonexistent/.config/mcp/token",
    pushRegistry: undefined,
    caPath: undefined,
  });
});

test("loadCliConfig() reads the file; variables win over it; paths are seen from the file", async () => {
  const dir = await mkdtemp(join(tmpdir(), "mcp-config-test-"));
  const configPath = join(dir, "mcp.toml");
  await writeFile(
    configPath,
    `[api]\nurl = "http://a.test"\nca_cert = "ca.pem"\n[services]\ndir = "~/defs"\n[build]\nregistry = "127.0.0.1:5000"\n` +
      `[[nodes]]\nname = "rift"\naddress = "100.95.252.120:9444"\nssh = "rift"\narch = "amd64"\n`,
  );
  const config = await loadCliConfig({
    configPath,
    env: { MCP_API_URL: "https://b.test:8443", MCP_BUILD_WORKSPACE: "src" },
    homeDir: "/home/me",
  });
  assert.equal(config.apiUrl, "https://b.test:8443");
  assert.equal(config.caPath, join(dir, "ca.pem"));
  assert.equal(config.servicesDir, "/home/me/defs");
  assert.equal(config.workspaceDir, join(dir, "src"));
  assert.equal(config.pushRegistry, "127.0.0.1:5000");
  await rm(dir, { recursive: true });
});

test("loadCliConfig() refuses a named file that is missing and an address that is no URL", async () => {
  await assert.rejects(loadCliConfig({ configPath: "/nonexistent.toml", env: {}, homeDir: "/" }), {
    code: "invalid-config",
  });
  const env = { MCP_API_URL: "localhost:8443" };
  await assert.rejects(loadCliConfig({ configPath: undefined, env, homeDir: "/nonexistent" }), {
    code: "invalid-config",
    message: /\[api\] url: expected an http or https URL \(or set \$MCP_API_URL\)/,
  });
});
