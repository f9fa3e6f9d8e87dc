import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadProxyConfig } from "./config.ts";

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
    address: "127.0.0.1",
    port: 9443,
    aliasPorts: [443, 8443],
    limits: {},
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
