import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteListing } from "#shared/contract/edge-views.ts";
import { createSandbox, type Sandbox } from "../testing/sandbox.ts";

function addNodes({ fake }: Sandbox, ...names: string[]): void {
  for (const name of names) {
    fake.nodes.push({ name, address: "10.0.0.1", version: "1", lastSeenAt: null, status: "ready", instances: 0 });
  }
}

const listing: RouteListing = {
  node: "edge",
  hostname: "web.svc.test",
  port: 443,
  mode: "l7",
  origin: "deployed",
  service: "web",
  component: "api",
  backends: ["127.0.0.1:41001", "127.0.0.1:41002"],
  state: "problem",
  problem: "no certificate",
};
const stored: RouteListing = {
  ...listing,
  node: "rift",
  hostname: "*.nas.test",
  mode: "l4",
  origin: "stored",
  service: "stored",
  component: "stored",
  backends: ["10.0.0.7:443"],
  state: "serves",
  problem: null,
};

test("route list shows routes of every origin, and what is wrong with them", async () => {
  await using sandbox = await createSandbox();
  assert.equal((await sandbox.run(["route", "list"])).stdout, "Nothing is routed yet\n");
  sandbox.fake.edge.routes.push(listing, stored);
  assert.equal(
    (await sandbox.run(["route", "list"])).stdout,
    "NODE  ROUTE             MODE  ORIGIN    SERVICE  STATE    BACKENDS\n" +
      "edge  web.svc.test:443  l7    deployed  web/api  problem  127.0.0.1:41001, 127.0.0.1:41002\n" +
      "rift  *.nas.test:443    l4    stored    stored   serves   10.0.0.7:443\n" +
      "\n✗ web.svc.test:443 on edge: no certificate\n",
  );
  const { stdout } = await sandbox.run(["route", "list", "--node", "rift", "--json"]);
  assert.deepEqual(JSON.parse(stdout), { routes: [stored] });
});

test("route add stores what the options say, on the only node", async () => {
  await using sandbox = await createSandbox();
  addNodes(sandbox, "rift");
  const words =
    "route add nas.test --backend 10.0.0.7:8080 --backend [fd00::7]:8080 --service nas --backend-protocol h2" +
    " --backend-name nas.lan --limit-body 10MiB --limit-requests 100/10s --block-user-agent curl --allow 10.0.0.0/8" +
    " --trusted-proxy 10.0.0.1 --forward-auth mcias --pause 10s";
  const { exitCode, stdout } = await sandbox.run([...words.split(" "), "--require-header", "X-Kind: a b"]);
  assert.equal(
    stdout,
    "Stored nas.test:443 on rift, to 10.0.0.7:8080, [fd00::7]:8080\nNext: mcp explain nas.test --port 443\n",
  );
  assert.equal(exitCode, 0);
  assert.deepEqual(sandbox.fake.edge.stored.get("rift nas.test:443"), {
    hostname: "nas.test",
    port: 443,
    mode: "l7",
    backends: ["10.0.0.7:8080", "[fd00::7]:8080"],
    service: "nas",
    backend: "h2",
    backend_name: "nas.lan",
    limits: { body: "10MiB", requests: { count: 100, window: "10s" } },
    policies: {
      block_user_agent: ["curl"],
      require_header: ["X-Kind: a b"],
      allow: ["10.0.0.0/8"],
      trusted_proxies: ["10.0.0.1"],
      forward_auth: "mcias",
      pause: "10s",
    },
  });
});

test("route add reads a file, and options win over it", async () => {
  await using sandbox = await createSandbox();
  addNodes(sandbox, "rift", "edge");
  const text = 'hostname = "nas.test"\nport = 8443\nmode = "l4"\nbackends = ["10.0.0.7:443"]\n[limits]\nidle = "5m"\n';
  await sandbox.write("route.toml", text);
  const file = `${sandbox.dir}/route.toml`;
  const { exitCode } = await sandbox.run(["route", "add", "--file", file, "--node", "edge", "--proxy-protocol", "v2"]);
  assert.equal(exitCode, 0);
  assert.deepEqual(sandbox.fake.edge.stored.get("edge nas.test:8443"), {
    hostname: "nas.test",
    port: 8443,
    mode: "l4",
    backends: ["10.0.0.7:443"],
    limits: { idle: "5m" },
    proxy_protocol: "v2",
  });
  const again = ["route", "add", "--file", file, "--node", "edge"];
  const refused = await sandbox.run(again);
  assert.equal(refused.exitCode, 1);
  assert.ok(!refused.stderr.includes("mcp status"), refused.stderr);
  assert.equal((await sandbox.run([...again, "--replace"])).exitCode, 0);
  const { stdout } = await sandbox.run([...again, "--json"]);
  assert.equal(JSON.parse(stdout).changed, false);
});

test("route add reports all problems at once, without asking the platform", async () => {
  await using sandbox = await createSandbox();
  const { exitCode, stderr } = await sandbox.run(
    "route add Nas --backend nas:80 --limit-body lots --mode l4 --pause 5s".split(" "),
  );
  assert.equal(exitCode, 2);
  for (
    const problem of [
      /5 problems|6 problems/,
      /hostname: is "Nas", expected|hostname: expected a lower-case host name/,
      /backends\.0: expected an IP address and a port/,
      /limits\.body: expected a size/,
      /policies\.pause: .*expected mode "l7"/,
    ]
  ) assert.match(stderr, problem);
  assert.deepEqual(sandbox.fake.requests, []);
  await sandbox.write("route.toml", 'hostname = "a.test"\nbackendz = []\n');
  const fromFile = await sandbox.run(["route", "add", "--file", `${sandbox.dir}/route.toml`]);
  assert.equal(fromFile.exitCode, 1);
  assert.match(fromFile.stderr, /backendz: is not a field, did you mean "backends"\?/);
  assert.match(fromFile.stderr, /backends: is missing, expected a list/);
});

const wrongUsage: readonly (readonly [string, RegExp])[] = [
  ["route add a.test --backend 10.0.0.1:80 --port 0", /Cannot use the port "0"/],
  ["route add a.test --backend 10.0.0.1:80 --limit-requests 5", /--limit-requests "5": it is no rate/],
  ["route remove a.test --port x", /Cannot use the port "x"/],
  ["route add --file nowhere.toml", /it is not readable, expected a TOML file/],
];

for (const [words, problem] of wrongUsage) {
  test(`mcp ${words} is refused`, async () => {
    await using sandbox = await createSandbox();
    const { exitCode, stderr } = await sandbox.run(words.split(" "));
    assert.notEqual(exitCode, 0);
    assert.match(stderr, problem);
  });
}

test("route add and remove need --node where there are several, or none", async () => {
  await using sandbox = await createSandbox();
  const add = ["route", "add", "nas.test", "--backend", "10.0.0.7:80"];
  assert.match((await sandbox.run(add)).stderr, /none has enrolled yet/);
  addNodes(sandbox, "rift", "edge");
  const { exitCode, stderr } = await sandbox.run(add);
  assert.equal(exitCode, 2);
  assert.match(stderr, /expected --node with one of: rift, edge/);
  assert.equal((await sandbox.run([...add, "--node", "edge"])).exitCode, 0);
  assert.equal((await sandbox.run(["route", "remove", "nas.test"])).exitCode, 2);
  const removed = await sandbox.run(["route", "remove", "nas.test", "--node", "edge"]);
  assert.equal(removed.stdout, "Removed nas.test:443 from edge\n");
  assert.equal(sandbox.fake.edge.stored.size, 0);
  assert.equal((await sandbox.run(["route", "remove", "nas.test", "--node", "edge"])).exitCode, 1);
});
