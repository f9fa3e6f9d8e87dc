import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, definitionText } from "../testing/sandbox.ts";

const services = ".config/mcp/services";

test("deploy() sends the definition, follows to the end and says what changed", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  sandbox.fake.deployments.script = { events: [{ step: "pull", component: "api", message: "pulled v1.0.0" }] };
  const first = await sandbox.run(["deploy", "web"]);
  assert.equal(first.exitCode, 0, first.stderr);
  assert.equal(
    first.stdout,
    "Deployed web on rift as revision 1 in 1.5 s\n  api v1.0.0 (new)\n  https://web.svc.test:8443/\nNext: mcp status web\n",
  );
  assert.match(first.stderr, /✓ +100 ms {2}api: pull {3}pulled v1\.0\.0\n/);
  await sandbox.write(`${services}/web.toml`, definitionText("web", "v1.1.0"));
  sandbox.fake.images.add("web:v1.1.0");
  assert.match((await sandbox.run(["deploy", "web"])).stdout, /api v1\.0\.0 → v1\.1\.0/);
  assert.deepEqual(sandbox.fake.deployments.deployed.map(({ definition }) => definition?.components[0]?.image), [
    "mcr.svc.test:8443/web:v1.0.0",
    "mcr.svc.test:8443/web:v1.1.0",
  ]);
});

test("deploy() --json prints one object on stdout and nothing on stderr", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  const { stdout, stderr } = await sandbox.run(["deploy", "web", "--json"]);
  const data = JSON.parse(stdout);
  assert.equal(data.deployment.status, "succeeded");
  assert.deepEqual(data.service.versions, { api: "v1.0.0" });
  assert.equal(data.routes[0].url, "https://web.svc.test:8443/");
  assert.equal(stderr, "");
});

test("deploy() does not say that an old version keeps serving when there is none", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  sandbox.fake.deployments.script = { events: [], status: "failed", error: "exited with 3" };
  const { exitCode, stderr } = await sandbox.run(["deploy", "web"]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /Error: Cannot deploy "web": exited with 3\nRun: mcp logs web\n$/);
});

test("deploy() reports why it failed with the container's last lines, and exits 1", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  assert.equal((await sandbox.run(["deploy", "web"])).exitCode, 0);
  sandbox.fake.deployments.script = {
    events: [{
      step: "health",
      state: "failed",
      component: "api",
      message: "exited with 3",
      log: ["starting", "panic: no config\u001b[2J"],
    }],
    status: "failed",
    error: 'component "api" exited with 3',
  };
  const human = await sandbox.run(["deploy", "web"]);
  assert.equal(human.exitCode, 1);
  assert.match(
    human.stderr,
    /Error: Cannot deploy "web": component "api" exited with 3; the version that served before keeps serving\n/,
  );
  assert.match(human.stderr, / {2}\| starting\n {2}\| panic: no config\nRun: mcp logs web\n$/);
  assert.equal(human.stdout, "");
  const { code, details } = JSON.parse((await sandbox.run(["deploy", "web", "--json"])).stderr);
  assert.equal(code, "deploy-failed");
  assert.deepEqual(details.log, ["starting", "panic: no config\u001b[2J"]);
});

test("deploy() goes on where a lost connection ended, each event once", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  const events = ["one", "two", "three"].map((message) => ({ message }));
  sandbox.fake.deployments.script = { events, breaks: [1, 0, 1] };
  const { exitCode, stderr } = await sandbox.run(["deploy", "web"]);
  assert.equal(exitCode, 0);
  assert.deepEqual(sandbox.fake.deployments.followedAfter, [0, 1, 1, 2]);
  for (const word of ["one", "two", "three"]) assert.equal(stderr.split(` ${word}\n`).length, 2, stderr);
});

test("deploy() ends at its --timeout and says how to watch again", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  sandbox.fake.deployments.script = { events: [], isEndless: true };
  const { exitCode, stderr } = await sandbox.run(["deploy", "web", "--timeout", "50ms", "--json"]);
  assert.equal(exitCode, 1);
  const { code, next } = JSON.parse(stderr);
  assert.deepEqual([code, next], ["timeout", "mcp deploy web --attach d1"]);
  const wrong = await sandbox.run(["deploy", "web", "--timeout", "soon"]);
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /Cannot use --timeout "soon"/);
});

test("deploy() detaches at Ctrl-C with exit code 2 and says how to resume", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  const interrupt = new AbortController();
  sandbox.fake.deployments.script = {
    events: [{ message: "pulling" }],
    isEndless: true,
    onSent: () => interrupt.abort(),
  };
  const { exitCode, stderr } = await sandbox.run(["deploy", "web"], { interrupt: interrupt.signal });
  assert.equal(exitCode, 2);
  assert.match(
    stderr,
    /Stopped: Cannot watch deployment "d1" of "web" any longer: it was interrupted, and goes on in the control plane\nRun: mcp deploy web --attach d1\n$/,
  );
});

test("deploy() --detach does not follow; --attach follows without deploying again", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  const detached = await sandbox.run(["deploy", "web", "--detach"]);
  assert.match(detached.stdout, /Next: mcp deploy web --attach d1\n/);
  assert.deepEqual(sandbox.fake.deployments.followedAfter, []);
  const attached = await sandbox.run(["deploy", "web", "--attach", "d1"]);
  assert.equal(attached.exitCode, 0, attached.stderr);
  assert.equal(sandbox.fake.deployments.deployed.length, 1);
  await sandbox.write(`${services}/api.toml`, definitionText("api"));
  const other = await sandbox.run(["deploy", "api", "--attach", "d1"]);
  assert.match(other.stderr, /it is of "web", expected one of "api"/);
});

test("deploy() refuses an inactive definition and names mcp start", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, `active = false\n${definitionText("web")}`);
  const { exitCode, stderr } = await sandbox.run(["deploy", "web"]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /says active = false, expected active = true\nRun: mcp start web/);
  assert.equal(sandbox.fake.deployments.deployed.length, 0);
});

test("deploy() builds and pushes an image that the registry lacks", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  await sandbox.write("src/web/Dockerfile", "FROM scratch\n");
  const { exitCode, stderr } = await sandbox.run(["deploy", "web", "--force"]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /web:v1\.0\.0 is not in the registry: building it\nweb \| STEP 1\/2: build\n/);
  assert.deepEqual((await sandbox.podmanRuns()).map((line) => line.split(" ")[0]), ["build", "push"]);
  assert.equal(sandbox.fake.deployments.deployed[0]?.force, true);
});

test("deploy() refuses an image that is missing and cannot be built, before anything changes", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  const { exitCode, stderr } = await sandbox.run(["deploy", "web"]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /Cannot use image "mcr\.svc\.test:8443\/web:v1\.0\.0": it is not in the registry and its source ".*src\/web" does not exist/,
  );
  assert.equal(sandbox.fake.deployments.deployed.length, 0);
});

test("deploy() leaves images of other registries to the control plane", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(
    `${services}/web.toml`,
    definitionText("web").replace(/\[build.images\]\n.*\n/, "").replace("mcr.svc.test:8443", "docker.io"),
  );
  assert.equal((await sandbox.run(["deploy", "web"])).exitCode, 0);
});

test("deploy() names the services that have a definition when there is none of that name", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  const { exitCode, stderr } = await sandbox.run(["deploy", "wep"]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /wep\.toml" does not exist, did you mean "web"\? expected one of: web/,
  );
  const traversal = await sandbox.run(["deploy", "../web"]);
  assert.equal(traversal.exitCode, 2);
  assert.match(traversal.stderr, /Cannot use "\.\.\/web": it is no service name/);
});
