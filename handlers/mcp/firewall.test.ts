import assert from "node:assert/strict";
import { test } from "node:test";
import { openFirewall } from "#shared/contract/firewall.ts";
import { codeOf } from "./testing/deployment-steps.ts";
import { createTestPlatform } from "./testing/platform.ts";

test("the firewall reaches each node's proxy: what all share, and what is the node's own", async () => {
  await using platform = await createTestPlatform();
  assert.deepEqual(await platform.firewall(), openFirewall, "a node has one from its first heartbeat on");
  const other = platform.clientFor({ username: "other", kind: "node", roles: [] });
  await other.heartbeat({ params: { node: "other" }, body: { address: "127.0.0.2", version: "1" } });
  assert.deepEqual(await platform.admin.changeFirewall({ body: { block: ["192.0.2.1"] } }), { changed: true });
  const query = { node: "rift" };
  await platform.admin.changeFirewall({ query, body: { block: ["192.0.2.2"], blockCountries: ["XX"], shadow: true } });
  assert.deepEqual(await platform.firewall("other"), { ...openFirewall, blockedAddresses: ["192.0.2.1"] });
  assert.deepEqual(await platform.firewall(), {
    ...openFirewall,
    blockedAddresses: ["192.0.2.1", "192.0.2.2"],
    blockedCountries: ["XX"],
    shadow: true,
  });
  assert.deepEqual(await platform.admin.changeFirewall({ query, body: { block: ["192.0.2.2"] } }), { changed: false });
});

test("the firewall is shown as set, as it holds, and with the hits that the proxy reports", async () => {
  await using platform = await createTestPlatform();
  await platform.admin.changeFirewall({ body: { block: ["192.0.2.1"] } });
  await platform.admin.changeFirewall({ query: { node: "rift" }, body: { maxConnectionsPerAddress: 5 } });
  await platform.applyRoutes({ firewallHits: { refused: { "blocked-address": 3 } } });
  const shared = await platform.operator.getFirewall({});
  assert.deepEqual([shared.node, shared.own.blockedAddresses, shared.hits], [null, ["192.0.2.1"], null]);
  assert.deepEqual(shared.nodesWithRules, ["rift"]);
  const view = await platform.operator.getFirewall({ query: { node: "rift" } });
  assert.deepEqual(view.own.blockedAddresses, []);
  assert.deepEqual(view.effective, {
    ...openFirewall,
    blockedAddresses: ["192.0.2.1"],
    maxConnectionsPerAddress: 5,
  });
  assert.deepEqual(view.hits, { refused: { "blocked-address": 3 } });
});

test("changing the firewall is for admins: denials are audited, as are changes", async () => {
  await using platform = await createTestPlatform();
  const body = { block: ["192.0.2.1"] };
  await assert.rejects(platform.operator.changeFirewall({ body }), codeOf("forbidden"));
  await assert.rejects(platform.node.changeFirewall({ body }), codeOf("forbidden"));
  await assert.rejects(platform.node.getFirewall({}), codeOf("forbidden"));
  await assert.rejects(platform.admin.changeFirewall({ query: { node: "unknown" }, body }), codeOf("not-found"));
  await assert.rejects(platform.admin.changeFirewall({ body: { unblock: ["192.0.2.1"] } }), codeOf("not-found"));
  await assert.rejects(platform.admin.changeFirewall({ body: { block: ["::/0"] } }), codeOf("invalid-request"));
  await platform.admin.changeFirewall({ body });
  const { events } = await platform.admin.listAudit({});
  assert.equal(events.filter(({ outcome }) => outcome === "denied").length, 3);
  assert.equal(events.filter(({ outcome }) => outcome === "failed").length, 3);
  assert.equal(
    events.find(({ outcome }) => outcome === "allowed")?.resource,
    'firewall of all nodes: block ["192.0.2.1"]',
  );
});

test("a node follows its own firewall only", async () => {
  await using platform = await createTestPlatform();
  assert.equal((await platform.node.firewallFeed({})).status, 200);
  assert.equal((await platform.admin.firewallFeed({ query: { node: "rift" } })).status, 200);
  await assert.rejects(platform.node.firewallFeed({ query: { node: "other" } }), codeOf("forbidden"));
  await assert.rejects(platform.node.firewallStream({ query: { node: "other" } }), codeOf("forbidden"));
  await assert.rejects(platform.admin.firewallFeed({}), codeOf("invalid-request"));
  await assert.rejects(platform.operator.firewallFeed({ query: { node: "rift" } }), codeOf("forbidden"));
});
