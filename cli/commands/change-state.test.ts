import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { newFakeService } from "../testing/fake-services.ts";
import { createSandbox, definitionText, type Sandbox } from "../testing/sandbox.ts";

const file = ".config/mcp/services/web.toml";
const text = `# the web\n${definitionText("web")}`;

async function createRunning(): Promise<Sandbox> {
  const sandbox = await createSandbox();
  await sandbox.write(file, text);
  sandbox.fake.services.set("web", newFakeService(ServiceDefinition.parse(parseToml(text, "web.toml"))));
  return sandbox;
}

test("stop() stops and writes active = false to the definition; start() takes it back", async () => {
  await using sandbox = await createRunning();
  const stopped = await sandbox.run(["stop", "web"]);
  assert.equal(stopped.exitCode, 0, stopped.stderr);
  assert.equal(stopped.stdout, "Stopped web on rift in 1.5 s\nNext: mcp start web\n");
  assert.match(stopped.stderr, /web\.toml now says active = false\n/);
  assert.equal(await sandbox.read(file), text.replace('node = "rift"\n', 'node = "rift"\nactive = false\n'));
  const started = await sandbox.run(["start", "web"]);
  assert.equal(started.stdout, "Started web on rift in 1.5 s\n  https://web.svc.test:8443/\nNext: mcp status web\n");
  assert.equal(await sandbox.read(file), text.replace('node = "rift"\n', 'node = "rift"\nactive = true\n'));
  assert.ok(sandbox.fake.requests.includes("POST /v1/services/web/start"));
});

test("restart() leaves the definition alone", async () => {
  await using sandbox = await createRunning();
  assert.match((await sandbox.run(["restart", "web"])).stdout, /^Restarted web on rift/);
  assert.equal(await sandbox.read(file), text);
});

test("undeploy() asks on a terminal only, and keeps the definition", async () => {
  await using sandbox = await createRunning();
  const refused = await sandbox.run(["undeploy", "web"], { isTTY: true, stdin: "n\n" });
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /Undeploy web from http:\/\/platform\.test\? \[y\/N\]: /);
  assert.ok(sandbox.fake.services.has("web"));
  const agreed = await sandbox.run(["undeploy", "web"], { isTTY: true, stdin: "y\n" });
  assert.equal(agreed.exitCode, 0, agreed.stderr);
  assert.ok(!sandbox.fake.services.has("web"));
  assert.equal(await sandbox.read(file), text);
});

test("undeploy() needs no flag without a terminal", async () => {
  await using sandbox = await createRunning();
  const { exitCode, stdout } = await sandbox.run(["undeploy", "web"]);
  assert.equal(exitCode, 0);
  assert.equal(stdout, "Undeployed web on rift in 1.5 s\nNext: mcp deploy web, to bring it back\n");
});

test("stop() of an unknown service names the known ones and changes no file", async () => {
  await using sandbox = await createRunning();
  await sandbox.write(".config/mcp/services/api.toml", definitionText("api"));
  const { exitCode, stderr } = await sandbox.run(["stop", "api"]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /service "api": it is not known, expected one of: web\n(Request: .*\n)?Run: mcp service list\n$/,
  );
  assert.equal(await sandbox.read(".config/mcp/services/api.toml"), definitionText("api"));
});

test("a superseded change is a conflict", async () => {
  await using sandbox = await createRunning();
  sandbox.fake.deployments.script = { events: [], status: "superseded" };
  const { exitCode, stderr } = await sandbox.run(["restart", "web", "--json"]);
  assert.equal(exitCode, 1);
  assert.equal(JSON.parse(stderr).code, "conflict");
});
