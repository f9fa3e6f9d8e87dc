import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createSandbox, definitionText, type Sandbox } from "../testing/sandbox.ts";

const services = ".config/mcp/services";

async function createBuildSandbox(): Promise<Sandbox> {
  const sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  await sandbox.write("src/web/Dockerfile", "FROM scratch\n");
  return sandbox;
}

test("build() builds with the version and pushes to the configured registry", async () => {
  await using sandbox = await createBuildSandbox();
  const { exitCode, stdout, stderr } = await sandbox.run(["build", "web"]);
  assert.equal(exitCode, 0, stderr);
  const source = join(sandbox.dir, "src/web");
  const [build = "", push = ""] = await sandbox.podmanRuns();
  assert.equal(
    build,
    `build --build-arg VERSION=v1.0.0 --label org.opencontainers.image.version=v1.0.0 -t mcr.svc.test:8443/web:v1.0.0 -f ${source}/Dockerfile ${source}`,
  );
  assert.match(
    push,
    /^push --authfile \S+auth\.json --tls-verify=false mcr\.svc\.test:8443\/web:v1\.0\.0 docker:\/\/127\.0\.0\.1:5000\/web:v1\.0\.0$/,
  );
  assert.equal(stdout, "Pushed mcr.svc.test:8443/web:v1.0.0\nNext: mcp deploy web\n");
});

test("build() hands the token over in a 0600 file that is gone afterwards, never on the command line", async () => {
  await using sandbox = await createBuildSandbox();
  const { stdout, stderr } = await sandbox.run(["build", "web"]);
  const auth = Buffer.from("admin:token-of-admin").toString("base64");
  assert.deepEqual(JSON.parse(await sandbox.read("podman-auth")), { auths: { "127.0.0.1:5000": { auth } } });
  assert.equal((await stat(join(sandbox.dir, "podman-auth"))).mode & 0o777, 0o600);
  const runs = (await sandbox.podmanRuns()).join("\n");
  for (const text of [runs, stdout, stderr]) assert.ok(!text.includes("token-of-admin") && !text.includes(auth));
  const authfile = /--authfile (\S+)/.exec(runs)?.[1] ?? "";
  await assert.rejects(stat(authfile), { code: "ENOENT" });
});

test("build() verifies a registry that is not on this machine, by the configured CA", async () => {
  await using sandbox = await createBuildSandbox();
  await sandbox.write("ca.pem", "a CA");
  const env = { MCP_BUILD_REGISTRY: "mcr.test:8443", MCP_API_CA_CERT: "~/ca.pem" };
  assert.equal((await sandbox.run(["build", "web"], { env })).exitCode, 0);
  const push = (await sandbox.podmanRuns())[1] ?? "";
  assert.match(push, / --cert-dir \S+ mcr\.svc\.test:8443\/web:v1\.0\.0 docker:\/\/mcr\.test:8443\/web:v1\.0\.0$/);
  assert.ok(!push.includes("--tls-verify"));
});

test("build() gives podman the configured containers.conf and registries.conf", async () => {
  await using sandbox = await createBuildSandbox();
  await sandbox.run(["build", "web"], {
    env: { MCP_BUILD_CONTAINERS_CONF: "c.conf", MCP_BUILD_REGISTRIES_CONF: "/etc/r.conf" },
  });
  assert.match(
    await sandbox.read("podman-env"),
    new RegExp(`^conf=${sandbox.dir}/\\.config/mcp/c\\.conf registries=/etc/r\\.conf\n`),
  );
});

test("build() fails with podman's last lines", async () => {
  await using sandbox = await createBuildSandbox();
  const { exitCode, stderr } = await sandbox.run(["build", "web"], { env: { FAKE_PODMAN_FAILS: "build" } });
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /Error: Cannot build "mcr\.svc\.test:8443\/web:v1\.0\.0": podman ended with 125, expected 0\n {2}\| STEP 1\/2: build\n {2}\| Error: no space left\n/,
  );
  const push = await sandbox.run(["build", "web", "--json"], { env: { FAKE_PODMAN_FAILS: "push" } });
  const { code, message } = JSON.parse(push.stderr);
  assert.equal(code, "build-failed");
  assert.match(message, /^Cannot push "mcr\.svc\.test:8443\/web:v1\.0\.0" to 127\.0\.0\.1:5000/);
});

test("build() says what is missing: source, Dockerfile, podman, or [build.images]", async () => {
  await using sandbox = await createSandbox();
  await sandbox.write(`${services}/web.toml`, definitionText("web"));
  assert.match((await sandbox.run(["build", "web"])).stderr, /its source ".*\/src\/web" does not exist/);
  await sandbox.write("src/web/README", "");
  assert.match(
    (await sandbox.run(["build", "web"])).stderr,
    /its Dockerfile ".*\/src\/web\/Dockerfile" does not exist/,
  );
  await sandbox.write("src/web/Dockerfile", "");
  const { stderr } = await sandbox.run(["build", "web"], { env: { PATH: join(sandbox.dir, "nothing") } });
  assert.match(stderr, /podman is not installed, expected it in \$PATH.*\nNext: install podman/);
  await sandbox.write(`${services}/web.toml`, definitionText("web").replace(/\[build.images\]\n.*\n/, ""));
  assert.match(
    (await sandbox.run(["build", "web"])).stderr,
    /names no Dockerfile, expected an entry in \[build\.images\]/,
  );
});

test("build() builds the one image that is named, and refuses an unknown one", async () => {
  await using sandbox = await createBuildSandbox();
  assert.equal((await sandbox.run(["build", "web/web"])).exitCode, 0);
  const { exitCode, stderr } = await sandbox.run(["build", "web/wep"]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /Cannot build image "wep" of "web": \[build\.images\] has no such entry, did you mean "web"\? expected one of: web/,
  );
});

test("build() stops podman at Ctrl-C", async () => {
  await using sandbox = await createBuildSandbox();
  const interrupt = new AbortController();
  await sandbox.write("bin/podman", "#!/bin/sh\necho STEP 1\nexec sleep 30\n");
  const onOutput = (text: string) => text.includes("STEP") && interrupt.abort();
  const { exitCode, stderr } = await sandbox.run(["build", "web"], { interrupt: interrupt.signal, onOutput });
  assert.equal(exitCode, 2);
  assert.match(stderr, /Stopped: Cannot build ".*": it was interrupted/);
});
