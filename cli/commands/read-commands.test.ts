import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import type { InstanceView, LogLine, ServiceDetail } from "#shared/contract/mcp.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { newFakeService } from "../testing/fake-services.ts";
import { createSandbox, definitionText } from "../testing/sandbox.ts";

const text = `${
  definitionText("web", "v1.1.0")
}\n[[components]]\nname = "worker"\nimage = "mcr.svc.test:8443/worker:v2.0.0"\n`;
const instance: InstanceView = {
  instance: "web-api-1",
  service: "web",
  component: "api",
  revision: 3,
  specHash: "h",
  deploymentId: "d1",
  state: "healthy",
  image: "mcr.svc.test:8443/web:v1.0.0",
  ports: { "": 41001 },
  startedAt: "2026-11-24T11:55:00Z",
  node: "rift",
  version: "v1.0.0",
  current: true,
};
const broken: InstanceView = {
  ...instance,
  instance: "web-worker-1",
  component: "worker",
  state: "failed",
  version: "v2.0.0",
  ports: {},
  exitCode: 3,
  reason: "exited with 3 five times",
  lastLog: ["no config"],
};
const detail: ServiceDetail = {
  ...newFakeService(ServiceDefinition.parse(parseToml(text, "web.toml"))),
  revision: 3,
  desired: "running",
  observed: "drifted",
  versions: { api: "v1.0.0", worker: "v2.0.0" },
  instances: [instance, broken],
  routes: [{
    hostname: "web.svc.test",
    port: 8443,
    mode: "l7",
    component: "api",
    name: null,
    url: "https://web.svc.test:8443/",
    backends: 1,
    problem: "no certificate",
  }],
  deployments: [{
    id: "d1",
    service: "web",
    kind: "deploy",
    revision: 3,
    status: "failed",
    createdBy: "admin",
    createdAt: "2026-11-24T11:00:00Z",
    finishedAt: "2026-11-24T11:00:01Z",
    error: "worker exited with 3",
  }],
};

async function createFilled() {
  const sandbox = await createSandbox();
  sandbox.fake.services.set("web", detail);
  sandbox.fake.instances.push(broken, { ...instance, current: false });
  return sandbox;
}

test("ps() lists instances with the version that runs, and marks what may be old", async () => {
  await using sandbox = await createFilled();
  assert.equal(
    (await sandbox.run(["ps"])).stdout,
    "SERVICE  COMPONENT  NODE  VERSION  STATE            STARTED  PORTS  INSTANCE\n" +
      "web      api        rift  v1.0.0   healthy?         5m       41001  web-api-1\n" +
      "web      worker     rift  v2.0.0   failed (exit 3)  5m       -      web-worker-1\n",
  );
  assert.equal(JSON.parse((await sandbox.run(["ps", "--json"])).stdout).instances.length, 2);
  sandbox.fake.instances.length = 0;
  assert.equal((await sandbox.run(["ps"])).stdout, "Nothing runs yet\nNext: mcp deploy <service>\n");
});

test("status() lists all services, as service list does", async () => {
  await using sandbox = await createFilled();
  const { stdout } = await sandbox.run(["status"]);
  assert.equal(
    stdout,
    "SERVICE  NODE  DESIRED  OBSERVED  REVISION  VERSIONS\nweb      rift  running  drifted   3         api=v1.0.0, worker=v2.0.0\n",
  );
  assert.equal((await sandbox.run(["service", "list"])).stdout, stdout);
});

test("status() of a service shows state, routes, deployments and every problem", async () => {
  await using sandbox = await createFilled();
  const { stdout } = await sandbox.run(["status", "web"]);
  assert.match(stdout, /^web on rift: drifted, should be running, revision 3\n/);
  assert.match(stdout, /Routes\nURL .*\nhttps:\/\/web\.svc\.test:8443\/ +l7 +api +1\n/);
  assert.match(stdout, /Deployments\nID .*\nd1 +deploy +3 +failed +admin +1h\n/);
  assert.equal(
    stdout.slice(stdout.indexOf("Problems")),
    "Problems\n✗ worker: exited with 3 five times\n  | no config\n✗ api: v1.0.0 runs, the definition says v1.1.0\n" +
      "✗ https://web.svc.test:8443/: no certificate\n✗ last deploy (revision 3) failed: worker exited with 3\nNext: mcp logs web\n",
  );
  assert.equal(JSON.parse((await sandbox.run(["status", "web", "--json"])).stdout).name, "web");
});

test("status() is coloured on a terminal only, and not under NO_COLOR, TERM=dumb, --no-color or --json", async () => {
  await using sandbox = await createFilled();
  const isColored = async (words: string[], options: Parameters<typeof sandbox.run>[1]) =>
    (await sandbox.run(["status", "web", ...words], options)).stdout.includes("\u001b[");
  assert.equal(await isColored([], { isTTY: true }), true);
  assert.equal(await isColored([], { env: { CLICOLOR_FORCE: "1" } }), true);
  assert.equal(await isColored([], {}), false);
  assert.equal(await isColored([], { isTTY: true, env: { NO_COLOR: "1" } }), false);
  assert.equal(await isColored([], { isTTY: true, env: { TERM: "dumb" } }), false);
  assert.equal(await isColored(["--no-color"], { isTTY: true }), false);
  assert.equal(await isColored(["--json"], { isTTY: true }), false);
});

test("service show prints the stored definition as TOML", async () => {
  await using sandbox = await createFilled();
  const { stdout } = await sandbox.run(["service", "show", "web"]);
  assert.match(stdout, /^# web, revision 3\n/);
  assert.deepEqual(ServiceDefinition.parse(parseToml(stdout, "stdout")), detail.definition);
});

test("node list shows which nodes are silent", async () => {
  await using sandbox = await createSandbox();
  assert.equal((await sandbox.run(["node", "list"])).stdout, "No node has enrolled yet\n");
  sandbox.fake.nodes.push({
    name: "rift",
    address: "10.0.0.1",
    version: "0.1.0",
    lastSeenAt: "2026-11-24T11:59:48Z",
    status: "silent",
    instances: 2,
  });
  assert.equal(
    (await sandbox.run(["node", "list"])).stdout,
    "NODE  ADDRESS   STATUS  INSTANCES  LAST SEEN  VERSION\nrift  10.0.0.1  silent  2          12s        0.1.0\n",
  );
});

function logLine(line: string, at: string, component = "api"): LogLine {
  return { component, instance: `web-${component}-1`, stream: "stdout", at, line };
}

test("logs() prefixes lines with the component when there are several", async () => {
  await using sandbox = await createFilled();
  sandbox.fake.logConnections.push([logLine("one", "1"), logLine("two", "2", "worker")], [logLine("one", "1")], [
    logLine("one", "1"),
  ]);
  assert.equal((await sandbox.run(["logs", "web", "-n", "5"])).stdout, "api    | one\nworker | two\n");
  assert.equal((await sandbox.run(["logs", "web/api"])).stdout, "one\n");
  assert.deepEqual(JSON.parse((await sandbox.run(["logs", "web/api", "--json"])).stdout), logLine("one", "1"));
  assert.deepEqual(sandbox.fake.logQueries, [
    "* tail=5 follow=false",
    "api tail=100 follow=false",
    "api tail=100 follow=false",
  ]);
});

test("logs() -f mends a lost connection without repeating lines, and ends well at Ctrl-C", async () => {
  await using sandbox = await createFilled();
  sandbox.fake.logConnections.push([logLine("one", "1"), logLine("two", "2")], [
    logLine("two", "2"),
    logLine("three", "3"),
  ]);
  const interrupt = new AbortController();
  const onOutput = (output: string) => output === "three\n" && interrupt.abort();
  const { exitCode, stdout, stderr } = await sandbox.run(["logs", "web/api", "-f"], {
    interrupt: interrupt.signal,
    onOutput,
  });
  assert.equal(exitCode, 0);
  assert.equal(stdout, "one\ntwo\nthree\n");
  assert.equal(stderr, "The connection is lost, connecting again\n");
  assert.deepEqual(sandbox.fake.logQueries, ["api tail=100 follow=true", "api tail=1000 follow=true"]);
});

test("logs() refuses unknown services, components and numbers", async () => {
  await using sandbox = await createFilled();
  assert.match((await sandbox.run(["logs", "nope"])).stderr, /service "nope": it is not known/);
  assert.match(
    (await sandbox.run(["logs", "web/workr"])).stderr,
    /no such component, did you mean "worker"\? expected one of: api, worker/,
  );
  for (const lines of ["many", "-1", "10001"]) {
    assert.equal((await sandbox.run(["logs", "web", `--tail=${lines}`])).exitCode, 2);
  }
});

test("logs() says so when nothing of the service runs", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(".config/mcp/services/web.toml", definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  assert.equal((await sandbox.run(["sync"])).exitCode, 0);
  sandbox.fake.logConnections.push([]);
  const { exitCode, stdout, stderr } = await sandbox.run(["logs", "web"]);
  assert.deepEqual([exitCode, stdout], [0, ""]);
  assert.match(stderr, /^Nothing of web runs: it is defined\. To see why: mcp status web\n$/);
});
