import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { decodeJwt, SignJWT } from "jose";
import { z } from "zod";
import { assert as check, asyncProperty, string } from "fast-check";
import { mciasContract } from "#shared/contract/mcias.ts";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import { createSealedBox } from "#shared/store/sealed-box.ts";
import { createMcias } from "./app.ts";
import { createPasswordHasher } from "./password-hasher.ts";
import { startTestMcias, testIssuer, type TestMcias, testPassword } from "./start-test-mcias.ts";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof PlatformError && error.code === code;
const PrivateJwk = z.object({ kty: z.string(), crv: z.string(), x: z.string(), d: z.string() });
const day = 86_400_000;

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function forgeries(running: TestMcias, token: string): Promise<Record<string, string>> {
  const claims = decodeJwt(token);
  const [jwk] = (await running.client().jwks({})).keys;
  const kid = String(jwk?.["kid"]);
  const hmacInput = `${encode({ alg: "HS256", typ: "at+jwt", kid })}.${encode(claims)}`;
  const publicBytes = Buffer.from(String(jwk?.["x"]), "base64url");
  const own = generateKeyPairSync("ed25519");
  const forge = (header: object) =>
    new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", ...header }).sign(own.privateKey);
  return {
    none: `${encode({ alg: "none", typ: "at+jwt", kid })}.${encode(claims)}.`,
    "HS256 with the public key": `${hmacInput}.${
      createHmac("sha256", publicBytes).update(hmacInput).digest("base64url")
    }`,
    "another key": await forge({ typ: "at+jwt", kid }),
    "an embedded key": await forge({ typ: "at+jwt", jwk: own.publicKey.export({ format: "jwk" }) }),
    "an unknown key id": await forge({ typ: "at+jwt", kid: "other" }),
    "changed claims": token.split(".").map((part, index) =>
      index === 1 ? encode({ ...claims, roles: ["admin"] }) : part
    ).join("."),
    "not a token": "abc",
  };
}

/** A token that the real key signed, with another header or other claims. */
async function signWithRealKey(running: TestMcias, changes: { header?: object; claims?: object }): Promise<string> {
  const row = await running.database.first("SELECT id, sealed_private_jwk AS sealed FROM signing_key");
  const { id, sealed } = z.object({ id: z.string(), sealed: z.instanceof(ArrayBuffer) }).parse(row);
  const path = `signing_key/private_jwk/${id}`;
  const opened = createSealedBox(new Uint8Array(32).fill(3)).open(path, new Uint8Array(sealed));
  const key = createPrivateKey({ key: PrivateJwk.parse(JSON.parse(Buffer.from(opened).toString())), format: "jwk" });
  const { token } = await running.client().login({ body: { username: "admin", password: running.adminPassword } });
  const header = encode({ alg: "EdDSA", typ: "at+jwt", kid: id, ...changes.header });
  const input = `${header}.${encode({ ...decodeJwt(token), ...changes.claims })}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}

test("validateToken() says whom a live token stands for", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const { valid, principal } = await running.client().validateToken({ body: { token } });
  assert.equal(valid, true);
  assert.equal(principal?.username, "alice");
  assert.deepEqual(principal, await running.client(token).whoami({}));
  assert.deepEqual(principal, await running.mcias.validator.validateToken(token));
});

test("validateToken() answers the same for every forged token", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  for (const [name, forged] of Object.entries(await forgeries(running, token))) {
    assert.deepEqual(await running.client().validateToken({ body: { token: forged } }), { valid: false }, name);
    await assert.rejects(running.client(forged).whoami({}), hasCode("unauthenticated"), name);
  }
});

test("validateToken() refuses what the real key signed for another purpose", async () => {
  await using running = await startTestMcias();
  const live = await signWithRealKey(running, {});
  assert.equal((await running.client().validateToken({ body: { token: live } })).valid, true);
  const changes = [
    { header: { typ: "JWT" } },
    { header: { crit: ["later"], later: true } },
    { claims: { iss: "https://other.test" } },
    { claims: { sub: "other" } },
    { claims: { jti: "unknown" } },
    { claims: { aud: undefined } },
    { claims: { exp: undefined } },
    { claims: { nbf: running.clock.at / 1000 + 60 } },
  ];
  for (const change of changes) {
    const token = await signWithRealKey(running, change);
    assert.deepEqual(
      await running.client().validateToken({ body: { token } }),
      { valid: false },
      JSON.stringify(change),
    );
  }
});

test("validateToken() never fails with anything but a PlatformError", async () => {
  await using running = await startTestMcias();
  await check(
    asyncProperty(
      string(),
      (token) => assert.rejects(running.mcias.validator.validateToken(token), hasCode("unauthenticated")),
    ),
  );
});

test("validateToken() tells expired tokens apart, after five seconds of skew", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  running.clock.at += 30 * day + 4_000;
  assert.equal((await running.client(token).whoami({})).username, "alice");
  running.clock.at += 1_000;
  await assert.rejects(running.client(token).whoami({}), hasCode("token-expired"));
  assert.deepEqual(await running.client().validateToken({ body: { token } }), { valid: false });
});

test("validateToken() takes roles from the database and ends a promoted user's token after eight hours", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  await assert.rejects(running.client(token).listAccounts({}), hasCode("forbidden"));
  await (await running.admin()).updateAccount({ params: { username: "alice" }, body: { roles: ["admin"] } });
  assert.equal((await running.client(token).listAccounts({})).accounts.length, 2);
  await (await running.admin()).updateAccount({ params: { username: "alice" }, body: { roles: ["user"] } });
  await assert.rejects(running.client(token).listAccounts({}), hasCode("forbidden"));
  await (await running.admin()).updateAccount({ params: { username: "alice" }, body: { roles: ["admin"] } });
  running.clock.at += 8 * 3_600_000 + 5_000;
  await assert.rejects(running.client(token).whoami({}), hasCode("token-expired"));
});

test("authenticated endpoints refuse requests without a token", async () => {
  await using running = await startTestMcias();
  for (const endpoint of Object.values(mciasContract)) {
    if (endpoint.access === "public") continue;
    const path = endpoint.path.replace("{username}", "alice");
    const response = await running.mcias.app.request(path, { method: endpoint.method });
    assert.equal(response.status, 401, endpoint.id);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
  }
});

test("admin endpoints refuse people who are not admins, and machines", async () => {
  await using running = await startTestMcias();
  const tokens = [
    await running.person("alice", ["user"]),
    await running.machineToken(await running.machine("host-1", "node")),
  ];
  for (const endpoint of Object.values(mciasContract)) {
    if (endpoint.access === "public" || endpoint.access.some((kind) => kind !== "admin")) continue;
    for (const token of tokens) {
      const path = endpoint.path.replace("{username}", "alice");
      const response = await running.mcias.app.request(path, {
        method: endpoint.method,
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(response.status, 403, endpoint.id);
    }
  }
  assert.equal(
    (await (await running.admin()).listAudit({})).events.some((event) =>
      event.outcome === "denied" && event.actor === "alice"
    ),
    true,
  );
});

test("logout() ends the token and tells the revocations feed", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const { jti, exp } = decodeJwt(token);
  await running.client(token).logout({});
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
  const machine = running.client(await running.machineToken(await running.machine("host-1", "node")));
  const frame = await (await machine.revocationFeed({ query: { since: 0 }, headers: { accept: "application/json" } }))
    .json();
  assert.deepEqual(frame.entries, [{ key: jti, value: { expiresAt: new Date(Number(exp) * 1000).toISOString() } }]);
  await assert.rejects(running.client(await running.person("bob", ["user"])).revocationFeed({}), hasCode("forbidden"));
});

test("revocationFeed() forgets tokens that have ended", async () => {
  await using running = await startTestMcias();
  await running.client(await running.person("alice", ["user"])).logout({});
  running.clock.at += 31 * day;
  const admin = await running.admin();
  const frame = await (await admin.revocationFeed({ query: { since: 0 }, headers: { accept: "application/json" } }))
    .json();
  assert.deepEqual(frame.entries, []);
});

test("revocationStream() pushes a revocation to who listens", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const admin = await running.admin();
  const stop = new AbortController();
  const { body } = await admin.revocationStream({ query: { since: 0 }, signal: stop.signal });
  const reader = body?.getReader();
  await reader?.read();
  const pushed = reader?.read();
  await running.client(token).logout({});
  const jti = String(decodeJwt(token).jti);
  assert.equal(Buffer.from((await pushed)?.value ?? []).includes(jti), true);
  await reader?.cancel();
  stop.abort();
});

test("renew() waits for half of the life, ends the old token and gives a new one", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  running.clock.at += 15 * day - 1_000;
  await assert.rejects(running.client(token).renew({}), hasCode("conflict"));
  running.clock.at += 1_000;
  const renewed = await running.client(token).renew({});
  assert.equal(Date.parse(renewed.expiresAt), running.clock.at + 30 * day);
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
  assert.equal((await running.client(renewed.token).whoami({})).username, "alice");
});

test("renew() lets exactly one of parallel renewals win", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  running.clock.at += 20 * day;
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => running.client(token).renew({})));
  assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
  for (const result of results) assert.ok(result.status === "fulfilled" || hasCode("unauthenticated")(result.reason));
});

test("jwks() lists public members only", async () => {
  await using running = await startTestMcias();
  const { keys } = await running.client().jwks({});
  assert.deepEqual(keys.map((key) => Object.keys(key).sort()), [["alg", "crv", "kid", "kty", "use", "x"]]);
});

test("createMcias() keeps its key over restarts, encrypted, and refuses another master key", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const hasher = await createPasswordHasher({ parameters: { memoryKib: 64, passes: 1, lanes: 1 } });
  const now = () => new Date(running.clock.at);
  const deps = { database: running.database, now, log: silentLog, issuer: testIssuer, hasher };
  await using again = await createMcias({ ...deps, masterKey: new Uint8Array(32).fill(3) });
  assert.equal((await again.validator.validateToken(token)).username, "alice");
  assert.equal(await again.bootstrap.ensureAdmin(), undefined);
  await assert.rejects(createMcias({ ...deps, masterKey: new Uint8Array(32).fill(4) }), hasCode("sealed"));
  const row = await running.database.first("SELECT sealed_private_jwk AS sealed FROM signing_key");
  assert.ok(row?.["sealed"] instanceof ArrayBuffer);
  assert.equal(Buffer.from(row["sealed"]).includes('"d"'), false);
});

test("ensureAdmin() makes nothing when the password cannot be kept", async () => {
  await using running = await startTestMcias();
  await running.database.run("DELETE FROM account");
  await assert.rejects(running.mcias.bootstrap.ensureAdmin(() => Promise.reject(new Error("disk full"))), /disk full/);
  let kept: string | undefined;
  const made = await running.mcias.bootstrap.ensureAdmin(async ({ password }) => void (kept = password));
  assert.equal(made?.password, kept);
  assert.notEqual(kept, testPassword);
});
