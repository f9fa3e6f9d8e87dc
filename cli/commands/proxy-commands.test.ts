import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxyView } from "#shared/contract/edge-views.ts";
import { createSandbox } from "../testing/sandbox.ts";

const view: ProxyView = {
  node: "edge",
  status: "ready",
  reportedAt: "2026-11-24T11:59:55Z",
  routesRevision: 9,
  firewallRevision: 3,
  report: {
    appliedRevision: 8,
    problems: { "web.test:443": "no certificate" },
    draining: { "web-1": 2, "web-2": 0 },
    firewallRevision: 3,
    version: "1.2.3",
    workers: 2,
    openConnections: 120,
    listeners: ["0.0.0.0:443", "0.0.0.0:80"],
    staticRoutes: [],
    firewallHits: { refused: { "blocked-address": 3 } },
    certificates: [
      { hostname: "a.test", notAfter: "2026-12-24T12:00:00Z", source: "platform" },
      { hostname: "b.test", notAfter: "2026-11-24T17:00:00Z", source: "acme", problem: "the CA is down" },
      { hostname: "c.test", notAfter: "2026-11-24T10:00:00Z", source: "operator" },
      { hostname: "d.test", source: "acme" },
    ],
  },
};

test("proxy status shows what a proxy reports", async () => {
  await using sandbox = await createSandbox();
  assert.equal((await sandbox.run(["proxy", "status"])).stdout, "No node has enrolled yet\n");
  sandbox.fake.edge.proxies.push(view, { ...view, node: "rift", status: "silent", report: null });
  const { stdout } = await sandbox.run(["proxy", "status"]);
  assert.equal(
    stdout,
    "edge: ready, reported 5s ago\n" +
      "  Version      1.2.3\n" +
      "  Workers      2\n" +
      "  Listens on   0.0.0.0:443, 0.0.0.0:80\n" +
      "  Routes       revision 8, behind 9\n" +
      "  Firewall     revision 3, all applied\n" +
      "  Static       0 routes\n" +
      "  Connections  120\n" +
      "  Draining     web-1 2\n" +
      "  Refused      blocked-address 3\n" +
      "CERTIFICATE  FROM      ENDS IN   PROBLEM\n" +
      "a.test       platform  30d       -\n" +
      "b.test       acme      5h        the CA is down\n" +
      "c.test       operator  ended     -\n" +
      "d.test       acme      none yet  -\n" +
      "✗ web.test:443: no certificate\n" +
      "\nrift: silent, its proxy has not reported yet\n",
  );
  const json = await sandbox.run(["proxy", "status", "--node", "edge", "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), { proxies: [view] });
});

test("proxy status shows an old proxy's report, which has little", async () => {
  await using sandbox = await createSandbox();
  sandbox.fake.edge.proxies.push({ ...view, report: { appliedRevision: 9, problems: {}, draining: {} } });
  const { stdout } = await sandbox.run(["proxy", "status"]);
  assert.equal(stdout, "edge: ready, reported 5s ago\n  Routes       revision 9, all applied\n");
});

test("explain numbers the steps, and passes on what is asked", async () => {
  await using sandbox = await createSandbox();
  assert.equal((await sandbox.run(["explain", "web.test"])).stdout, "No node has enrolled yet\n");
  sandbox.fake.edge.explanations.push({
    node: "edge",
    route: null,
    match: "none",
    origin: null,
    state: "unknown",
    certificate: null,
    steps: ["The firewall refuses nobody", "No route serves web.test:443: the handshake is refused"],
    verdict: "refused",
  });
  const words = ["explain", "Web.test", "/cart", "--port", "8443", "--client", "192.0.2.1", "--node", "edge"];
  assert.equal(
    (await sandbox.run(words)).stdout,
    "edge: refused\n  1. The firewall refuses nobody\n  2. No route serves web.test:443: the handshake is refused\n",
  );
  assert.deepEqual(sandbox.fake.edge.questions, [
    { host: "web.test", port: 443, path: "/" },
    { host: "web.test", port: 8443, path: "/cart", client: "192.0.2.1", node: "edge" },
  ]);
  assert.equal(JSON.parse((await sandbox.run([...words, "--json"])).stdout).explanations.length, 1);
  assert.equal((await sandbox.run(["explain", "web.test", "cart"])).exitCode, 1);
});
