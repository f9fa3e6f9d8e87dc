import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, definitionText } from "../testing/sandbox.ts";

const services = ".config/mcp/services";

test("sync() stores every definition and builds what the registry lacks", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/api.toml`, definitionText("api"));
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  await sandbox.write("src/web/Dockerfile", "");
  sandbox.fake.images.add("api:v1.0.0");
  const { exitCode, stdout, stderr } = await sandbox.run(["sync"]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(
    stdout,
    "✓ api: stored as revision 1\n✓ web: stored as revision 1\n    mcr.svc.test:8443/web:v1.0.0: was missing, built and pushed\n",
  );
  assert.deepEqual([...sandbox.fake.services.keys()], ["api", "web"]);
  assert.equal(sandbox.fake.deployments.deployed.length, 0);
  sandbox.fake.images.add("web:v1.0.0");
  assert.match((await sandbox.run(["sync"])).stdout, /✓ web: unchanged, revision 1\n$/);
});

test("sync() reports what it cannot do, does the others, and exits 1", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/api.toml`, definitionText("api"));
  await sandbox.write(`${services}/bad.toml`, definitionText("bad", "latest"));
  await sandbox.write(`${services}/Odd_Name.toml`, definitionText("odd"));
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.images.add("web:v1.0.0");
  const { exitCode, stdout, stderr } = await sandbox.run(["sync"]);
  assert.equal(exitCode, 1);
  assert.match(
    stdout,
    /✗ api: Cannot use image "mcr\.svc\.test:8443\/api:v1\.0\.0": it is not in the registry and its source/,
  );
  assert.match(stdout, /✗ bad: Cannot use the definition .* its tag is "latest"/s);
  assert.match(stdout, /✗ Odd_Name: .* no service name/);
  assert.match(stdout, /✓ web: stored as revision 1/);
  assert.match(stderr, /Error: Cannot sync 3 of 4 services: Odd_Name, api, bad; the others are done\n/);
  const json = await sandbox.run(["sync", "--json"]);
  assert.equal(JSON.parse(json.stdout).services.length, 4);
  assert.equal(JSON.parse(json.stderr).details.services[1].code, "image-not-found");
});

test("sync() --dry-run changes nothing", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  await sandbox.write("src/web/Dockerfile", "");
  const { exitCode, stdout } = await sandbox.run(["sync", "--dry-run"]);
  assert.equal(exitCode, 0);
  assert.equal(stdout, "✓ web: valid\n    mcr.svc.test:8443/web:v1.0.0: is missing and would be built\n");
  assert.deepEqual(await sandbox.podmanRuns(), []);
  assert.equal(sandbox.fake.services.size, 0);
});

test("sync() gives one error, not one a service, when nobody is logged in or nothing is defined", async () => {
  await using sandbox = await createSandbox();
  assert.match((await sandbox.run(["sync"])).stderr, /it has no definitions, expected at least one <service>\.toml/);
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  sandbox.fake.tokens.clear();
  const { exitCode, stdout, stderr } = await sandbox.run(["sync"]);
  assert.equal(exitCode, 4);
  assert.equal(stdout, "");
  assert.match(stderr, /the token: it has expired.*\nRequest: \S+\nRun: mcp login\n$/);
});
