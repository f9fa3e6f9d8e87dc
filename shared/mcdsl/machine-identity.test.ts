import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { importJWK, type JWK, jwtVerify } from "jose";
import { createApi } from "../contract/server.ts";
import type { ClientOptions } from "../contract/client.ts";
import { type Account, mciasContract } from "../contract/mcias.ts";
import { createFakeValidator, hasCode } from "../contract/testing.ts";
import { PlatformError } from "../errors/platform-error.ts";
import { waitUntil } from "../lifecycle/wait.ts";
import { silentLog } from "../log/log.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";
import { enrolMachine, openMachineIdentity } from "./machine-identity.ts";

const issuer = "https://mcias.test";
const bearer = "Bearer" as const;
const account: Account = {
  id: "id-1",
  username: "rift",
  kind: "node",
  status: "active",
  roles: [],
  createdAt: "2026-01-01T00:00:00Z",
};
const startMs = Date.parse("2026-01-01T00:00:00Z");

/** An MCIAS that knows one join token and checks assertions for real. */
function createFakeMcias() {
  const world = { nowMs: startMs, exchanges: 0, isDown: false, jtis: new Set<string | undefined>() };
  let publicKey: JWK | undefined;
  const api = createApi({
    system: "mcias",
    validator: createFakeValidator({}),
    log: silentLog,
    now: () => new Date(world.nowMs),
    audit: async () => {},
  });
  api.implement(mciasContract.enrol, async ({ body }) => {
    if (body.joinToken !== "join") throw new PlatformError("invalid-credentials", "Cannot enrol");
    publicKey = body.publicKey;
    return account;
  });
  api.implement(mciasContract.exchangeAssertion, async ({ body }) => {
    const key = await importJWK(publicKey ?? {}, "EdDSA");
    const options = {
      issuer: "rift",
      subject: "rift",
      audience: issuer,
      currentDate: new Date(world.nowMs),
      maxTokenAge: 60,
    };
    const { payload } = await jwtVerify(body.assertion, key, options);
    world.jtis.add(payload.jti);
    return { access_token: `token-${++world.exchanges}`, token_type: bearer, expires_in: 600 };
  });
  const client: ClientOptions = {
    baseUrl: "http://mcias",
    fetch: (request) => world.isDown ? Promise.reject(new TypeError("connection refused")) : api.app.fetch(request),
  };
  return { world, client };
}

async function enrol(folder: string) {
  const mcias = createFakeMcias();
  const identityPath = join(folder, "identity.json");
  await enrolMachine({ client: mcias.client, joinToken: "join", issuer, identityPath });
  const identity = await openMachineIdentity({
    identityPath,
    client: mcias.client,
    now: () => new Date(mcias.world.nowMs),
  });
  return { ...mcias, identityPath, identity };
}

test("enrolMachine() keeps the private key in a 0600 file", async () => {
  await using folder = await createTemporaryFolder();
  const { identityPath, identity } = await enrol(folder.path);
  assert.equal(identity.name, "rift");
  assert.equal((await stat(identityPath)).mode & 0o777, 0o600);
  assert.match(await readFile(identityPath, "utf8"), /"d":/);
});

test("enrolMachine() leaves nothing behind when the join token is refused", async () => {
  await using folder = await createTemporaryFolder();
  const { client } = createFakeMcias();
  const identityPath = join(folder.path, "identity.json");
  const refused = enrolMachine({ client, joinToken: "used", issuer, identityPath });
  await assert.rejects(refused, hasCode("invalid-credentials"));
  await assert.rejects(stat(identityPath));
});

test("token() exchanges a signed assertion once for all who wait", async () => {
  await using folder = await createTemporaryFolder();
  const { world, identity } = await enrol(folder.path);
  const tokens = await Promise.all(Array.from({ length: 50 }, () => identity.token()));
  assert.deepEqual(new Set(tokens), new Set(["token-1"]));
  assert.equal(world.exchanges, 1);
});

test("token() renews in the background when a quarter of its life is left, with a new assertion", async () => {
  await using folder = await createTemporaryFolder();
  const { world, identity } = await enrol(folder.path);
  await identity.token();
  world.nowMs += 449_999;
  await identity.token();
  assert.equal(world.exchanges, 1);
  world.nowMs += 1;
  assert.equal(await identity.token(), "token-1");
  const isRenewed = async () => await identity.token() === "token-2" || undefined;
  await waitUntil(isRenewed, { action: "renew", timeoutMs: 5_000, intervalMs: 2 });
  assert.deepEqual([world.exchanges, world.jtis.size], [2, 2]);
});

test("token() keeps the live token while MCIAS is down, and fails only once it has ended", async () => {
  await using folder = await createTemporaryFolder();
  const { world, identity } = await enrol(folder.path);
  await identity.token();
  world.isDown = true;
  world.nowMs += 599_000;
  assert.equal(await identity.token(), "token-1");
  world.nowMs += 1_000;
  await assert.rejects(identity.token(), hasCode("unavailable"));
  world.isDown = false;
  assert.equal(await identity.token(), "token-2");
});

test("token() takes a new one when the clock has gone back, as the old one's end is not known then", async () => {
  await using folder = await createTemporaryFolder();
  const { world, identity } = await enrol(folder.path);
  await identity.token();
  world.nowMs -= 86_400_000;
  assert.equal(await identity.token(), "token-2");
  assert.equal(await identity.token(), "token-2");
});

test("openMachineIdentity() says invalid-config when the file is missing or damaged", async () => {
  await using folder = await createTemporaryFolder();
  const identityPath = join(folder.path, "identity.json");
  const { client } = createFakeMcias();
  const open = () => openMachineIdentity({ identityPath, client, now: () => new Date(startMs) });
  await assert.rejects(open(), hasCode("invalid-config"));
  for (const text of ["", "{", '{"name":"rift"}']) {
    await writeFile(identityPath, text);
    await assert.rejects(open(), hasCode("invalid-config"));
  }
});
