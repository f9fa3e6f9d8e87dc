import assert from "node:assert/strict";
import { test } from "node:test";
import { FirewallChange, FirewallPart } from "#shared/contract/edge-views.ts";
import { openFirewall } from "#shared/contract/firewall.ts";
import { createSandbox } from "../testing/sandbox.ts";

const changes: readonly (readonly [words: string, body: Partial<FirewallChange>, output: string])[] = [
  ["block 192.0.2.0/24", { block: ["192.0.2.0/24"] }, "Blocked 192.0.2.0/24 on all nodes\n"],
  ["unblock 2001:db8::1", { unblock: ["2001:db8::1"] }, "Unblocked 2001:db8::1 on all nodes\n"],
  ["allow 10.0.0.0/8", { allow: ["10.0.0.0/8"] }, "Allowed 10.0.0.0/8 on all nodes\n"],
  ["disallow 10.0.0.1", { disallow: ["10.0.0.1"] }, "10.0.0.1 is no longer allowed to pass everything on all nodes\n"],
  ["country block kp", { blockCountries: ["KP"] }, "Blocked KP on all nodes\n"],
  ["country unblock KP", { unblockCountries: ["KP"] }, "Unblocked KP on all nodes\n"],
  ["limit --connections 100/10s --open 20", {
    connectionLimit: { count: 100, windowSeconds: 10 },
    maxConnectionsPerAddress: 20,
  }, "Limited a client: new connections 100/10s, open connections 20 on all nodes\n"],
  ["limit --open none", { maxConnectionsPerAddress: null }, "Limited a client: open connections none on all nodes\n"],
  ["limit --connections none", { connectionLimit: null }, "Limited a client: new connections none on all nodes\n"],
  ["shadow on", { shadow: true }, "Only counting what would be refused on all nodes\n"],
  ["shadow off", { shadow: false }, "Refusing on all nodes\n"],
  ["shadow default", { shadow: null }, "Doing as all nodes do on all nodes\n"],
];

for (const [words, body, output] of changes) {
  test(`firewall ${words} changes just that`, async () => {
    await using sandbox = await createSandbox();
    assert.equal((await sandbox.run(["firewall", ...words.split(" ")])).stdout, output);
    assert.equal((await sandbox.run(["firewall", ...words.split(" "), "--node", "edge"])).exitCode, 0);
    const change = FirewallChange.parse(body);
    assert.deepEqual(sandbox.fake.edge.firewallChanges, [{ node: undefined, change }, { node: "edge", change }]);
  });
}

const wrong: readonly (readonly [string, RegExp])[] = [
  ["block nobody", /Cannot use "nobody": it is no address/],
  ["country block Germany", /Cannot use "Germany": it is no country/],
  ["limit", /expected --connections or --open/],
  ["limit --connections 5", /--connections "5": it is no rate/],
  ["limit --connections 5/500ms", /out of range, expected 1 to 1000000 in whole seconds/],
  ["limit --open 0", /--open "0": it is no count/],
  ["shadow maybe", /expected one of: on, off, default/],
  ["shadow toString", /expected one of: on, off, default/],
];

for (const [words, problem] of wrong) {
  test(`firewall ${words} is refused without asking the platform`, async () => {
    await using sandbox = await createSandbox();
    const { exitCode, stderr } = await sandbox.run(["firewall", ...words.split(" ")]);
    assert.equal(exitCode, 2);
    assert.match(stderr, problem);
    assert.deepEqual(sandbox.fake.requests, []);
  });
}

test("firewall show says what holds, what is the node's own, and what was refused", async () => {
  await using sandbox = await createSandbox();
  assert.equal(
    (await sandbox.run(["firewall", "show"])).stdout,
    "All nodes\n  Blocked           -\n  Countries         -\n  Never refused     -\n  New connections   no limit\n" +
      "  Open connections  no limit\n  Mode              refuses\n",
  );
  sandbox.fake.edge.firewall = {
    node: "edge",
    own: FirewallPart.parse({ blockedAddresses: ["192.0.2.2"] }),
    effective: {
      ...openFirewall,
      blockedAddresses: ["192.0.2.1", "192.0.2.2"],
      blockedCountries: ["KP"],
      connectionLimit: { count: 5, windowSeconds: 10 },
      maxConnectionsPerAddress: 7,
      shadow: true,
    },
    nodesWithRules: ["edge"],
    hits: { refused: { "blocked-address": 3 }, shadowed: { "connection-limit": 2 } },
  };
  const { stdout } = await sandbox.run(["firewall", "show", "--node", "edge"]);
  assert.equal(
    stdout,
    "Node edge\n  Blocked           192.0.2.1, 192.0.2.2 *\n  Countries         KP\n  Never refused     -\n" +
      "  New connections   5 in 10 s a client\n  Open connections  7 a client\n  Mode              only counts (shadow)\n" +
      "  Refused so far    blocked-address 3, connection-limit 2 (shadow)\n* set for this node only\n",
  );
  assert.equal(JSON.parse((await sandbox.run(["firewall", "show", "--json"])).stdout).node, "edge");
});

test("firewall show names nodes with rules of their own, and cuts long lists", async () => {
  await using sandbox = await createSandbox();
  const blockedAddresses = Array.from({ length: 25 }, (_, index) => `192.0.2.${index}`);
  const own = FirewallPart.parse({ blockedAddresses });
  const effective = { ...openFirewall, blockedAddresses };
  sandbox.fake.edge.firewall = { node: null, own, effective, nodesWithRules: ["edge"], hits: null };
  const { stdout } = await sandbox.run(["firewall", "show"]);
  assert.match(stdout, /192\.0\.2\.19, and 5 more\n/);
  assert.match(stdout, /\nNodes with rules of their own: edge\n$/);
});
