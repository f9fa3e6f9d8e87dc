import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { SignJWT } from "jose";
import { Ed25519PublicJwk, jwtBearerGrant } from "#shared/contract/mcias.ts";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { signAssertion, startTestMcias, testIssuer, testPassword } from "./start-test-mcias.ts";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof PlatformError && error.code === code;
const newPublicKey = () => Ed25519PublicJwk.parse(generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }));

test("createAccount() makes an active person once", async () => {
  await using running = await startTestMcias();
  const admin = await running.admin();
  const body = { username: "alice", password: testPassword };
  const account = await admin.createAccount({ body });
  assert.deepEqual([account.kind, account.status, account.roles], ["human", "active", ["user"]]);
  await assert.rejects(admin.createAccount({ body }), hasCode("conflict"));
  await assert.rejects(
    admin.createAccount({ body: { username: "bob", password: "short" } }),
    hasCode("invalid-request"),
  );
  const { accounts } = await admin.listAccounts({});
  assert.deepEqual(accounts.map(({ username }) => username), ["admin", "alice"]);
  assert.equal(JSON.stringify(accounts).includes("argon2"), false);
});

test("updateAccount() to inactive ends all tokens, which stay dead when it is active again", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const admin = await running.admin();
  const params = { username: "alice" };
  await admin.updateAccount({ params, body: { status: "inactive" } });
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
  await admin.updateAccount({ params, body: { status: "active" } });
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
  await running.client().login({ body: { username: "alice", password: testPassword } });
});

test("deleteAccount() ends all tokens and frees the name for somebody else", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const admin = await running.admin();
  await admin.deleteAccount({ params: { username: "alice" } });
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
  const frame = await (await admin.revocationFeed({ headers: { accept: "application/json" } })).json();
  assert.equal(frame.entries.length, 1);
  await running.person("alice", ["user"]);
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
});

test("accounts that do not exist are not found", async () => {
  await using running = await startTestMcias();
  const admin = await running.admin();
  await assert.rejects(admin.deleteAccount({ params: { username: "nobody" } }), hasCode("not-found"));
  await assert.rejects(admin.updateAccount({ params: { username: "nobody" }, body: {} }), hasCode("not-found"));
});

test("the last active admin cannot be removed, deactivated or demoted", async () => {
  await using running = await startTestMcias();
  await running.person("carol", ["admin"]);
  const admin = await running.admin();
  await admin.updateAccount({ params: { username: "carol" }, body: { status: "inactive" } });
  const params = { username: "admin" };
  await assert.rejects(admin.deleteAccount({ params }), hasCode("conflict"));
  await assert.rejects(admin.updateAccount({ params, body: { status: "inactive" } }), hasCode("conflict"));
  await assert.rejects(admin.updateAccount({ params, body: { roles: ["user"] } }), hasCode("conflict"));
  await admin.updateAccount({ params: { username: "carol" }, body: { status: "active" } });
  const results = await Promise.allSettled(
    ["admin", "carol"].map((username) => admin.deleteAccount({ params: { username } })),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

test("machines have no roles", async () => {
  await using running = await startTestMcias();
  await running.machine("host-1", "node");
  const admin = await running.admin();
  await assert.rejects(
    admin.updateAccount({ params: { username: "host-1" }, body: { roles: ["admin"] } }),
    hasCode("conflict"),
  );
});

test("enrol() takes a join token once, within an hour", async () => {
  await using running = await startTestMcias();
  const admin = await running.admin();
  const { joinToken } = await admin.createJoinToken({ body: { name: "host-1", kind: "node" } });
  const body = { joinToken, publicKey: newPublicKey() };
  const account = await running.client().enrol({ body });
  assert.deepEqual([account.username, account.kind, account.roles], ["host-1", "node", []]);
  await assert.rejects(running.client().enrol({ body }), hasCode("invalid-credentials"));
  await assert.rejects(
    running.client().enrol({ body: { ...body, joinToken: "guess" } }),
    hasCode("invalid-credentials"),
  );
  const late = await admin.createJoinToken({ body: { name: "host-2", kind: "node" } });
  running.clock.at += 3_600_000;
  await assert.rejects(
    running.client().enrol({ body: { ...body, joinToken: late.joinToken } }),
    hasCode("invalid-credentials"),
  );
  assert.equal(JSON.stringify(await running.database.all("SELECT * FROM join_token")).includes(late.joinToken), false);
});

test("enrol() gives a known machine its new key and ends the old key's tokens", async () => {
  await using running = await startTestMcias();
  const before = await running.machine("host-1", "node");
  const token = await running.machineToken(before);
  const after = await running.machine("host-1", "node");
  await assert.rejects(running.client(token).whoami({}), hasCode("unauthenticated"));
  await assert.rejects(running.machineToken(before), hasCode("invalid-credentials"));
  assert.equal((await running.client(await running.machineToken(after)).whoami({})).kind, "node");
});

test("join tokens are refused for people, other kinds and inactive machines, also when that changes later", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  await running.machine("host-1", "node");
  const admin = await running.admin();
  await assert.rejects(admin.createJoinToken({ body: { name: "alice", kind: "system" } }), hasCode("conflict"));
  await assert.rejects(admin.createJoinToken({ body: { name: "host-1", kind: "system" } }), hasCode("conflict"));
  const { joinToken } = await admin.createJoinToken({ body: { name: "host-1", kind: "node" } });
  await admin.updateAccount({ params: { username: "host-1" }, body: { status: "inactive" } });
  await assert.rejects(
    running.client().enrol({ body: { joinToken, publicKey: newPublicKey() } }),
    hasCode("invalid-credentials"),
  );
  await assert.rejects(admin.createJoinToken({ body: { name: "host-1", kind: "node" } }), hasCode("conflict"));
  const late = await admin.createJoinToken({ body: { name: "bob", kind: "node" } });
  await running.person("bob", ["user"]);
  await assert.rejects(
    running.client().enrol({ body: { joinToken: late.joinToken, publicKey: newPublicKey() } }),
    hasCode("conflict"),
  );
});

test("exchangeAssertion() gives a machine a token for ten minutes", async () => {
  await using running = await startTestMcias();
  const machine = await running.machine("mcp", "system");
  const assertion = await signAssertion(machine, running.clock.at);
  const answer = await running.client().exchangeAssertion({ body: { grant_type: jwtBearerGrant, assertion } });
  assert.deepEqual([answer.token_type, answer.expires_in], ["Bearer", 600]);
  const principal = await running.client(answer.access_token).whoami({});
  assert.deepEqual([principal.username, principal.kind, principal.roles], ["mcp", "system", []]);
  running.clock.at += 605_000;
  await assert.rejects(running.client(answer.access_token).whoami({}), hasCode("token-expired"));
});

test("exchangeAssertion() takes each assertion once, also when both come at the same time", async () => {
  await using running = await startTestMcias();
  const machine = await running.machine("mcp", "system");
  const assertion = await signAssertion(machine, running.clock.at);
  const exchange = () => running.client().exchangeAssertion({ body: { grant_type: jwtBearerGrant, assertion } });
  const results = await Promise.allSettled([exchange(), exchange(), exchange()]);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  running.clock.at += 64_000;
  await assert.rejects(exchange(), hasCode("invalid-credentials"));
});

test("exchangeAssertion() refuses assertions that are not exactly right", async () => {
  await using running = await startTestMcias();
  const machine = await running.machine("mcp", "system");
  const other = await running.machine("mcns", "system");
  const nowSeconds = running.clock.at / 1000;
  const { privateKey } = machine;
  const claims = { iss: "mcp", sub: "mcp", aud: testIssuer, exp: nowSeconds + 60, jti: "x" };
  const hmac = new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32));
  const [, payload] = (await signAssertion(machine, running.clock.at)).split(".");
  const assertions: Record<string, string | Promise<string>> = {
    "another key": signAssertion({ name: "mcp", privateKey: other.privateKey }, running.clock.at),
    "another issuer": signAssertion(machine, running.clock.at, { iss: "mcns" }),
    "another audience": signAssertion(machine, running.clock.at, { aud: "https://other.test" }),
    "several audiences": signAssertion(machine, running.clock.at, { aud: [testIssuer, "https://other.test"] }),
    "too long a life": signAssertion(machine, running.clock.at, { exp: nowSeconds + 306 }),
    "expired": signAssertion(machine, running.clock.at, { exp: nowSeconds - 5 }),
    "not yet": signAssertion(machine, running.clock.at, { nbf: nowSeconds + 6 }),
    "no jti": signAssertion(machine, running.clock.at, { jti: undefined }),
    "no expiry": signAssertion(machine, running.clock.at, { exp: undefined }),
    "unknown account": signAssertion({ name: "nobody", privateKey }, running.clock.at),
    "a person": signAssertion({ name: "admin", privateKey }, running.clock.at),
    "HS256": hmac,
    "alg none": `${btoa('{"alg":"none"}')}.${payload}.`,
    "not a token": "abc",
  };
  for (const [name, assertion] of Object.entries(assertions)) {
    const body = { grant_type: jwtBearerGrant, assertion: await assertion } as const;
    await assert.rejects(running.client().exchangeAssertion({ body }), hasCode("invalid-credentials"), name);
  }
  await (await running.admin()).updateAccount({ params: { username: "mcp" }, body: { status: "inactive" } });
  await assert.rejects(running.machineToken(machine), hasCode("invalid-credentials"));
});

test("exchangeAssertion() refuses JSON and repeated parameters", async () => {
  await using running = await startTestMcias();
  const send = (type: string, body: string) =>
    running.mcias.app.request("/v1/oauth/token", { method: "POST", headers: { "content-type": type }, body });
  assert.equal((await send("application/json", "{}")).status, 415);
  const repeated = `grant_type=${encodeURIComponent(jwtBearerGrant)}&assertion=a&assertion=b`;
  assert.equal((await send("application/x-www-form-urlencoded", repeated)).status, 400);
});

test("ensureAdmin() refuses to take over a machine's name", async () => {
  await using running = await startTestMcias();
  await running.database.run("DELETE FROM account");
  await running.machine("admin", "system");
  await assert.rejects(running.mcias.bootstrap.ensureAdmin(), hasCode("conflict"));
});
