import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import process from "node:process";
import { test } from "node:test";
import { addSource, run, startLoad, startPlatform, whyNoPodman } from "./harness.ts";
import { createHttpsClient } from "./https-client.ts";

const definition = (registry: string, version: string, extra = "") =>
  `# The sample of the guide.
name = "hello"
node = "local"

[build.images]
hello = "Dockerfile"

[[components]]
name = "web"
image = "${registry}/hello:${version}"
${extra}
[[components.routes]]
port = 8443
mode = "l7"
`;

test("the guide's walkthrough holds for a web service behind L7", { skip: await whyNoPodman() }, async (t) => {
  await using platform = await startPlatform();
  const { registry, domain } = platform.ready;
  const host = `hello.svc.${domain}`;
  const port = Number(platform.ready.proxy.split(":")[1]);
  const url = `https://${host}:${port}/`;
  await addSource(platform, "hello", "web");
  await platform.define("hello", definition(registry, "v1.0.0"));

  await t.test("build pushes the image, sync stores the definition, deploy serves it", async () => {
    await platform.mcpOk(["build", "hello"]);
    await platform.mcpOk(["sync"]);
    const deployed = JSON.parse(await platform.mcpOk(["deploy", "hello", "--json"]));
    assert.equal(deployed.deployment.status, "succeeded");
  });

  await t.test("curl verifies the name through the proxy, dig knows it", async () => {
    const answer = await platform.curl(url);
    assert.equal(answer.stdout.trim(), "version v1.0.0", answer.stderr);
    assert.deepEqual(await platform.dig(host), { status: "NOERROR", answers: ["127.0.0.1"] });
    assert.equal((await platform.dig(`nothing.svc.${domain}`)).status, "NXDOMAIN");
    assert.deepEqual(await platform.dig(host, "AAAA"), { status: "NOERROR", answers: [] });
  });

  await t.test("ps and status show the version that runs", async () => {
    const { instances } = JSON.parse(await platform.mcpOk(["ps", "--json"]));
    assert.deepEqual(instances.map((i: Record<string, unknown>) => [i["service"], i["version"], i["state"]]), [[
      "hello",
      "v1.0.0",
      "healthy",
    ]]);
    assert.match(await platform.mcpOk(["ps"]), /hello\s+web\s.*v1\.0\.0/);
    const status = await platform.mcpOk(["status", "hello"]);
    assert.match(status, /v1\.0\.0/);
    assert.ok(status.includes(url.slice(0, -1)), status);
  });

  await t.test("logs -n shows the container's output and -f follows it", async () => {
    assert.match(await platform.mcpOk(["logs", "hello", "-n", "20"]), /version v1\.0\.0 listens on \d+/);
    const follower = platform.mcpStart(["logs", "hello", "-f", "-n", "0"]);
    const lines = createInterface({ input: follower.stdout ?? process.stdin });
    const seen = (async () => {
      for await (const line of lines) if (line.includes("/followed")) return line;
      return undefined;
    })();
    const asking = setInterval(() => void platform.curl(`${url}followed`), 300);
    assert.match(await seen ?? "", /followed/);
    clearInterval(asking);
    follower.kill("SIGINT");
  });

  await t.test("a new version replaces the old one under load without a failed request", async () => {
    const client = await createHttpsClient({ ca: platform.ready.ca, port, hostname: host });
    const fresh = await createHttpsClient({ ca: platform.ready.ca, port, hostname: host, keepAlive: false });
    const load = startLoad(() => client.get(), (body) => body.startsWith("version v1.0."));
    const freshLoad = startLoad(() => fresh.get(), (body) => body.startsWith("version v1.0."), 2);
    for (const version of ["v1.0.1", "v1.0.2"]) {
      await platform.define("hello", definition(registry, version));
      await platform.mcpOk(["deploy", "hello"]);
    }
    const results = [await load.stop(), await freshLoad.stop()];
    client.close();
    fresh.close();
    for (const { total, failures, seen } of results) {
      assert.deepEqual(failures, [], `${failures.length} of ${total} requests failed`);
      assert.deepEqual(new Set(seen), new Set(["version v1.0.0", "version v1.0.1", "version v1.0.2"]));
    }
    assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.2");
    const { instances } = JSON.parse(await platform.mcpOk(["ps", "--json"]));
    assert.equal(instances.length, 1, "the old instances are gone");
  });

  for (const [mode, pattern] of [["crash", /exit.*3|boom/], ["silent", /health|listen|connect/i]] as const) {
    await t.test(`a version that is ${mode === "crash" ? "gone at once" : "never healthy"} leaves the old one serving and says why`, async () => {
      const health = 'health = { timeout = "3s" }';
      await platform.define("hello", definition(registry, "v1.0.2", `env = ["MODE=${mode}"]\n${health}`));
      const { code, stderr, stdout } = await platform.mcp(["deploy", "hello"]);
      assert.equal(code, 1, stdout + stderr);
      assert.match(stderr, pattern);
      assert.match(stderr, mode === "crash" ? /cannot open the database: boom/ : /thinking about it/);
      assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.2");
    });
  }

  await t.test("an image that is nowhere and has no source is refused before anything changes", async () => {
    await platform.define(
      "ghost",
      definition(registry, "v1.0.0").replace('"hello"', '"ghost"').replace("/hello:", "/ghost:").replace(
        "hello =",
        "ghost =",
      ),
    );
    const { code, stderr } = await platform.mcp(["deploy", "ghost"]);
    assert.equal(code, 1);
    assert.match(stderr, /ghost/);
    const sync = await platform.mcp(["sync"]);
    assert.equal(sync.code, 1);
    assert.match(sync.stderr + sync.stdout, /ghost/);
    await run("rm", [`${platform.folder}/services/ghost.toml`]);
  });

  await t.test("a public host name of its own is routed with a certificate, without being in our DNS", async () => {
    const route = 'mode = "l7"\nhostname = "docs.example.net"\n';
    const docs = definition(registry, "v1.0.2").replace('name = "hello"', 'name = "docs"').replace(
      'mode = "l7"\n',
      route,
    );
    await platform.define("docs", docs);
    await platform.mcpOk(["deploy", "docs"]);
    assert.equal((await platform.curl(`https://docs.example.net:${port}/`)).stdout.trim(), "version v1.0.2");
    await platform.mcpOk(["undeploy", "docs"]);
    assert.notEqual((await platform.curl(`https://docs.example.net:${port}/`)).code, 0);
  });

  await t.test("stop takes route and name away, start brings them back, undeploy leaves nothing", async () => {
    await platform.define("hello", definition(registry, "v1.0.2"));
    await platform.mcpOk(["deploy", "hello"]);
    await platform.mcpOk(["stop", "hello"]);
    assert.notEqual((await platform.curl(url)).code, 0, "an unknown name is refused");
    assert.equal((await platform.dig(host)).status, "NXDOMAIN");
    await platform.mcpOk(["start", "hello"]);
    assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.2");
    await platform.mcpOk(["restart", "hello"]);
    assert.equal((await platform.curl(url)).stdout.trim(), "version v1.0.2");
    await platform.mcpOk(["undeploy", "hello"]);
    assert.notEqual((await platform.curl(url)).code, 0);
    assert.equal((await platform.dig(host)).status, "NXDOMAIN");
    assert.deepEqual(JSON.parse(await platform.mcpOk(["ps", "--json"])).instances, []);
  });

  await t.test("SIGTERM ends everything that was started", async () => {
    assert.equal(await platform.stop(), 0);
  });
});
