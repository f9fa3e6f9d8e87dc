import assert from "node:assert/strict";
import { test } from "node:test";
import { renderSampleHint, renderScreen } from "./screen.ts";
import type { ReadyFacts } from "./up.ts";

const facts: ReadyFacts = {
  domain: "mcp.localhost",
  ca: "/mc/ca.pem",
  api: "http://127.0.0.1:8440",
  proxy: "127.0.0.1:8443",
  dns: "[::1]:5300",
  registry: "mcr.svc.mcp.localhost:8443",
  admin: { username: "admin", passwordFile: "/mc/admin-password" },
  cliConfig: "/mc/cli/mcp.toml",
};

test("renderScreen() shows commands that can be copied", () => {
  const screen = renderScreen(facts, { folder: "/mc", node: "local", tookMs: 2345 });
  for (
    const line of [
      'serves "mcp.localhost" as node "local", ready in 2.3 s',
      "export MCP_CONFIG=/mc/cli/mcp.toml",
      "npx mcp login --username admin --password-file /mc/admin-password",
      "curl --cacert /mc/ca.pem --resolve mcp.svc.mcp.localhost:8443:127.0.0.1 https://mcp.svc.mcp.localhost:8443/healthz",
      "dig @::1 -p 5300 mcp.svc.mcp.localhost",
    ]
  ) assert.ok(screen.includes(line), line);
});

test("renderSampleHint() shows how to ask for the sample", () => {
  assert.match(
    renderSampleHint(facts, "https://hello.svc.mcp.localhost:8443/"),
    /--resolve hello\.svc\.mcp\.localhost:8443:127\.0\.0\.1 https:\/\/hello/,
  );
});

test("renderScreen() and renderSampleHint() quote paths that a shell would split", () => {
  const odd = {
    ...facts,
    ca: "/my mc/ca.pem",
    cliConfig: "/it's/mcp.toml",
    admin: { username: "admin", passwordFile: "/my mc/p" },
  };
  const screen = renderScreen(odd, { folder: "/my mc", node: "local", tookMs: 1 });
  for (const text of [`MCP_CONFIG='/it'\\''s/mcp.toml'`, "--password-file '/my mc/p'", "--cacert '/my mc/ca.pem'"]) {
    assert.ok(screen.includes(text), text);
  }
  const hint = renderSampleHint(odd, "https://hello.svc.mcp.localhost:8443/");
  assert.match(hint, /--cacert '\/my mc\/ca\.pem'/);
  assert.match(hint, /MCP_CONFIG='\/it'\\''s\/mcp\.toml' npx/);
});
