import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "#shared/contract/client.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { metacryptContract } from "#shared/contract/metacrypt.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { enrolMachine, openMachineIdentity } from "#shared/mcdsl/machine-identity.ts";
import { runOk, startPlatform, whyNoPodman } from "./harness.ts";

const denied = (code: string) => (error: unknown) => error instanceof PlatformError && error.code === code;

test(
  "who may not is refused with the right status, and it is in the audit log",
  { skip: await whyNoPodman() },
  async (t) => {
    await using platform = await startPlatform();
    const baseUrl = platform.ready.api;
    const adminToken = (await readFile(join(platform.ready.cliConfig, "../token"), "utf8")).trim();
    const admin = createClient(mciasContract, { fetch, baseUrl, token: () => adminToken });
    const anonymous = createClient(mciasContract, { fetch, baseUrl });

    await t.test("a wrong password", async () => {
      await assert.rejects(
        anonymous.login({ body: { username: "admin", password: "wrong" } }),
        denied("invalid-credentials"),
      );
      const { events } = await admin.listAudit({});
      assert.ok(
        events.some(({ action, outcome, resource }) =>
          action === "auth.login" && outcome === "denied" && resource.includes("admin")
        ),
      );
    });

    await t.test("an unknown, a cut and a logged-out token", async () => {
      for (const token of ["x.y.z", adminToken.slice(0, -4)]) {
        const client = createClient(mcpContract, { fetch, baseUrl, token: () => token });
        await assert.rejects(client.listServices({}), denied("unauthenticated"));
      }
      await admin.createAccount({ body: { username: "bob", password: "correct horse", roles: ["user"] } });
      const { token } = await anonymous.login({ body: { username: "bob", password: "correct horse" } });
      const bob = createClient(mciasContract, { fetch, baseUrl, token: () => token });
      assert.equal((await bob.whoami({})).username, "bob");
      await bob.logout({});
      await assert.rejects(bob.whoami({}), denied("unauthenticated"));
    });

    await t.test("a user without rights", async () => {
      await admin.createAccount({ body: { username: "guest", password: "correct horse", roles: ["guest"] } });
      const { token } = await anonymous.login({ body: { username: "guest", password: "correct horse" } });
      await assert.rejects(
        createClient(mcpContract, { fetch, baseUrl, token: () => token }).listServices({}),
        denied("forbidden"),
      );
      await assert.rejects(
        createClient(mciasContract, { fetch, baseUrl, token: () => token }).listAccounts({}),
        denied("forbidden"),
      );
      const mcp = createClient(mcpContract, { fetch, baseUrl, token: () => adminToken });
      assert.ok(
        (await mcp.listAudit({})).events.some(({ actor, outcome, code }) =>
          actor === "guest" && outcome === "denied" && code === "forbidden"
        ),
      );
    });

    await t.test("a node that asks for another node's feed, and for a foreign name", async () => {
      const { joinToken } = await admin.createJoinToken({ body: { name: "intruder", kind: "node" } });
      const identityPath = join(platform.folder, "intruder.json");
      const issuer = JSON.parse(Buffer.from(adminToken.split(".")[1] ?? "", "base64url").toString()).iss;
      await enrolMachine({ client: { fetch, baseUrl }, joinToken, issuer, identityPath });
      await assert.rejects(
        enrolMachine({ client: { fetch, baseUrl }, joinToken, issuer, identityPath }),
        denied("invalid-credentials"),
      );
      const identity = await openMachineIdentity({ identityPath, client: { fetch, baseUrl }, now: () => new Date() });
      const token = () => identity.token();
      const mcp = createClient(mcpContract, { fetch, baseUrl, token });
      await assert.rejects(mcp.nodeFeed({ params: { node: "local" } }), denied("forbidden"));
      await assert.rejects(
        mcp.reportNode({ params: { node: "local" }, body: { appliedRevision: 1, instances: [] } }),
        denied("forbidden"),
      );
      await runOk("openssl", [
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-out",
        join(platform.folder, "r.pem"),
        "-subj",
        "/CN=x",
        "-addext",
        `subjectAltName=DNS:mcr.svc.${platform.ready.domain}`,
      ]);
      const csrPem = await readFile(join(platform.folder, "r.pem"), "utf8");
      await assert.rejects(
        createClient(metacryptContract, { fetch, baseUrl, token }).signCsr({ body: { csrPem } }),
        denied("name-not-allowed"),
      );
      const metacrypt = createClient(metacryptContract, { fetch, baseUrl, token: () => adminToken });
      assert.ok(
        (await metacrypt.listAudit({})).events.some(({ actor, code }) =>
          actor === "intruder" && code === "name-not-allowed"
        ),
      );
    });

    await t.test("a registry without credentials, and a guest who pushes", async () => {
      assert.equal((await fetch(`${baseUrl}/v2/`)).status, 401);
      const basic = `Basic ${btoa("guest:correct horse")}`;
      const push = await fetch(`${baseUrl}/v2/hello/blobs/uploads/`, {
        method: "POST",
        headers: { authorization: basic },
      });
      assert.equal(push.status, 403);
      assert.equal((await push.json()).errors[0].code, "DENIED");
    });

    await t.test("a definition with problems changes nothing and names file and field", async () => {
      for (
        const [change, pattern] of [
          ['image = "mcr.svc.mcp.localhost:8443/x:latest"', /latest/],
          ['image = "mcr.svc.mcp.localhost:8443/x:v1.0.0"\nimages = 3', /images/],
          ["image = ", /bad\.toml/],
        ] as const
      ) {
        await platform.define("bad", `name = "bad"\nnode = "local"\n[[components]]\nname = "web"\n${change}\n`);
        const { code, stderr } = await platform.mcp(["deploy", "bad"]);
        assert.equal(code, 1, stderr);
        assert.match(stderr, pattern);
        assert.match(stderr, /bad\.toml/);
      }
    });

    await t.test("the CLI says how to go on: exit 4 and the login command", async () => {
      await platform.mcpOk(["logout"]);
      const { code, stderr } = await platform.mcp(["ps"]);
      assert.equal(code, 4);
      assert.match(stderr, /mcp login/);
    });
  },
);
