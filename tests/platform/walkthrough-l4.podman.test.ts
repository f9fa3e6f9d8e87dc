import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "#shared/contract/client.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { addSource, freePorts, type Platform, runOk, startLoad, startPlatform, whyNoPodman } from "./harness.ts";
import { createHttpsClient } from "./https-client.ts";

const definition = (platform: Platform, version: string, ports: { rest: number; grpc: number }, data: string) =>
  `name = "vault"
node = "local"

[build.images]
vault = "Dockerfile.api"

[[components]]
name = "api"
image = "${platform.ready.registry}/vault:${version}"
volumes = ["${data}:/srv/vault"]
update = "rolling"

[[components.routes]]
name = "rest"
port = ${ports.rest}
mode = "l4"

[[components.routes]]
name = "grpc"
port = ${ports.grpc}
mode = "l4"
`;

test("the guide's walkthrough holds for a service that terminates TLS itself on two L4 routes", {
  skip: await whyNoPodman(),
}, async (t) => {
  await using platform = await startPlatform();
  const host = `vault.svc.${platform.ready.domain}`;
  const data = join(platform.folder, "srv-vault");
  const [grpc = 0] = await freePorts(1);
  const mainPort = Number(platform.ready.proxy.split(":")[1]);
  const ports = { rest: 8443, grpc };
  const urls = { rest: `https://${host}:${mainPort}/`, grpc: `https://${host}:${grpc}/` };
  await addSource(platform, "vault", "tls");
  await prepareCertificate(platform, host, data);
  await platform.define("vault", definition(platform, "v1.0.0", ports, data));

  await t.test("deploy builds what is missing and both named routes answer with the service's own certificate", async () => {
    await platform.mcpOk(["deploy", "vault"]);
    for (const name of ["rest", "grpc"] as const) {
      const answer = await platform.curl(urls[name]);
      assert.equal(answer.stdout, `${name} v1.0.0`, answer.stderr);
    }
    assert.deepEqual((await platform.dig(host)).answers, ["127.0.0.1"]);
    assert.match(await platform.mcpOk(["logs", "vault/api"]), /listens on \d+ and \d+/);
  });

  await t.test("a new version replaces the old one under load without a failed request", async () => {
    const clients = await Promise.all(
      [mainPort, grpc].map((port) =>
        createHttpsClient({ ca: platform.ready.ca, port, hostname: host, keepAlive: false })
      ),
    );
    const loads = clients.map((client) =>
      startLoad(() => client.get(), (body) => /^(rest|grpc) v1\.0\./.test(body), 2)
    );
    await platform.define("vault", definition(platform, "v1.0.1", ports, data));
    await platform.mcpOk(["deploy", "vault"]);
    for (const load of loads) {
      const { total, failures, seen } = await load.stop();
      assert.deepEqual(failures, [], `${failures.length} of ${total} requests failed`);
      assert.equal(seen.length, 2, "both versions answered");
    }
    for (const client of clients) client.close();
  });

  await t.test("stop closes the extra port, undeploy leaves nothing", async () => {
    await platform.mcpOk(["stop", "vault"]);
    assert.notEqual((await platform.curl(urls.grpc)).code, 0);
    await platform.mcpOk(["start", "vault"]);
    assert.equal((await platform.curl(urls.grpc)).stdout, "grpc v1.0.1");
    await platform.mcpOk(["undeploy", "vault"]);
    assert.equal((await platform.dig(host)).status, "NXDOMAIN");
    assert.equal((await platform.curl(urls.grpc)).code, 7, "nothing listens on the port any more");
  });
});

/** The service brings its own certificate: its key stays in its data folder, the platform's CA signs. */
async function prepareCertificate(platform: Platform, host: string, data: string): Promise<void> {
  const certs = join(data, "certs");
  await mkdir(certs, { recursive: true });
  const request = join(platform.folder, "request.pem");
  await runOk("openssl", [
    ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...[
      "-keyout",
      join(certs, "key.pem"),
      "-out",
      request,
      "-subj",
      `/CN=${host}`,
      "-addext",
      `subjectAltName=DNS:${host}`,
    ],
  ]);
  const token = (await readFile(join(platform.ready.cliConfig, "../token"), "utf8")).trim();
  const metacrypt = createClient(metacryptContract, { fetch, baseUrl: platform.ready.api, token: () => token });
  const { chainPem } = await metacrypt.signCsr({ body: { csrPem: await readFile(request, "utf8") } });
  await writeFile(join(certs, "cert.pem"), chainPem);
  await rm(request);
}
