import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { z } from "zod";
import type { ErrorCode } from "#shared/errors/catalogue.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { createPasswordHasher } from "./password-hasher.ts";
import { startTestMcias, testIssuer, testPassword } from "./start-test-mcias.ts";

const hasCode = (code: ErrorCode) => (error: unknown) => error instanceof PlatformError && error.code === code;
const wrong = { username: "alice", password: "wrong horse" };
const right = { username: "alice", password: testPassword };

test("login() gives an access token with the claims of RFC 9068", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  const { token, expiresAt } = await running.client().login({ body: right });
  const { alg, typ, kid } = decodeProtectedHeader(token);
  assert.deepEqual({ alg, typ }, { alg: "EdDSA", typ: "at+jwt" });
  assert.equal((await running.client().jwks({})).keys[0]?.["kid"], kid);
  const { sub, jti, ...claims } = decodeJwt(token);
  const iat = running.clock.at / 1000;
  assert.deepEqual(claims, {
    iss: testIssuer,
    aud: ["metacircular"],
    iat,
    exp: iat + 30 * 86_400,
    client_id: "metacircular",
    username: "alice",
    kind: "human",
    roles: ["user"],
  });
  assert.equal(typeof sub, "string");
  assert.equal(typeof jti, "string");
  assert.equal(expiresAt, new Date(running.clock.at + 30 * 86_400_000).toISOString());
});

test("login() gives admins eight hours", async () => {
  await using running = await startTestMcias();
  const { expiresAt } = await running.client().login({ body: { username: "admin", password: running.adminPassword } });
  assert.equal(Date.parse(expiresAt) - running.clock.at, 8 * 3_600_000);
});

test("login() for a service gives a token that the platform's own endpoints refuse", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  const { token } = await running.client().login({ body: { ...right, serviceName: "wiki" } });
  assert.deepEqual(decodeJwt(token).aud, ["wiki"]);
  await assert.rejects(running.client(token).whoami({}), hasCode("forbidden"));
  assert.deepEqual((await running.client().validateToken({ body: { token } })).principal?.audience, ["wiki"]);
});

test("login() answers alike for a wrong password, an unknown name, an inactive account and a machine", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  await running.person("bob", ["user"]);
  await (await running.admin()).updateAccount({ params: { username: "bob" }, body: { status: "inactive" } });
  await running.machine("host-1", "node");
  const answers = [];
  for (
    const body of [wrong, { ...wrong, username: "nobody" }, { ...right, username: "bob" }, {
      ...right,
      username: "host-1",
    }]
  ) {
    const error = await running.client().login({ body }).catch((error: unknown) => error);
    assert.ok(error instanceof PlatformError);
    answers.push([error.code, error.message]);
  }
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  assert.equal(answers[0]?.[0], "invalid-credentials");
});

test("login() writes the tried name to the audit log, and neither passwords nor tokens anywhere", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  await assert.rejects(running.client(undefined, "192.0.2.7").login({ body: wrong }), hasCode("invalid-credentials"));
  const { token } = await running.client().login({ body: right });
  const { events } = await (await running.admin()).listAudit({ query: { limit: 10 } });
  const denied = events.find((event) => event.outcome === "denied");
  assert.deepEqual(
    { ...denied, id: 0, requestId: "" },
    {
      id: 0,
      at: new Date(running.clock.at).toISOString(),
      actor: null,
      action: "auth.login",
      resource: "alice",
      outcome: "denied",
      code: "invalid-credentials",
      requestId: "",
      clientIp: "192.0.2.7",
    },
  );
  const written = JSON.stringify([events, running.logLines]);
  for (const secret of [wrong.password, testPassword, token, running.adminPassword]) {
    assert.equal(written.includes(secret), false);
  }
});

test("login() delays after five wrong passwords, longer each time, and never for good", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  for (let count = 0; count < 5; count++) {
    await assert.rejects(running.client().login({ body: wrong }), hasCode("invalid-credentials"));
  }
  const throttled = await running.client().login({ body: right }).catch((error: unknown) => error);
  assert.ok(throttled instanceof PlatformError && throttled.code === "rate-limited");
  assert.equal(throttled.details["retryAfterSeconds"], 1);
  const delays = [];
  for (let count = 0; count < 8; count++) {
    running.clock.at += 60_000;
    await assert.rejects(running.client().login({ body: wrong }), hasCode("invalid-credentials"));
    const error = await running.client().login({ body: wrong }).catch((error: unknown) => error);
    delays.push(error instanceof PlatformError ? error.details["retryAfterSeconds"] : undefined);
  }
  assert.deepEqual(delays, [2, 4, 8, 16, 32, 60, 60, 60]);
  running.clock.at += 60_000;
  await running.client().login({ body: right });
  await assert.rejects(running.client().login({ body: wrong }), hasCode("invalid-credentials"));
});

test("login() locks nobody out when the clock goes back", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  for (let count = 0; count < 5; count++) {
    await assert.rejects(running.client().login({ body: wrong }), hasCode("invalid-credentials"));
  }
  running.clock.at -= 86_400_000;
  await running.client().login({ body: right });
});

test("login() delays unknown names as it does known ones, and a network that tries many names", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  for (let count = 0; count < 5; count++) {
    const client = running.client(undefined, `2001:db8:1:2::${count}`);
    await assert.rejects(
      client.login({ body: { ...wrong, username: `nobody${count}` } }),
      hasCode("invalid-credentials"),
    );
  }
  await assert.rejects(running.client(undefined, "2001:db8:1:2::ffff").login({ body: right }), hasCode("rate-limited"));
  await running.client(undefined, "2001:db8:1:3::1").login({ body: right });
  for (let count = 0; count < 5; count++) {
    await running.client().login({ body: { ...wrong, username: "nobody" } }).catch(() => 0);
  }
  await assert.rejects(running.client().login({ body: { ...wrong, username: "nobody" } }), hasCode("rate-limited"));
});

test("login() tells nothing to a guess that races with many wrong ones", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  const guesses = [...Array.from({ length: 12 }, () => wrong), right];
  const answers = await Promise.all(
    guesses.map((body) => running.client().login({ body }).then(() => "in", (error: PlatformError) => error.code)),
  );
  assert.equal(answers.filter((answer) => answer === "invalid-credentials").length, 5);
  assert.equal(answers.at(-1), "rate-limited");
});

test("login() hashes the password again when the parameters have changed", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  const stronger = await createPasswordHasher({ parameters: { memoryKib: 128, passes: 1, lanes: 1 } });
  const old = await createPasswordHasher({ parameters: { memoryKib: 96, passes: 1, lanes: 1 } });
  await running.database.run("UPDATE account SET password_hash = ? WHERE username = 'alice'", [
    await old.hash(testPassword),
  ]);
  await Promise.all([running.client().login({ body: right }), running.client().login({ body: right })]);
  const row = await running.database.first("SELECT password_hash AS hash FROM account WHERE username = 'alice'");
  const stored = z.string().parse(row?.["hash"]);
  assert.match(stored, /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  assert.equal(stronger.isOutdated(stored), true);
});

test("login() refuses a body that is not one", async () => {
  await using running = await startTestMcias();
  for (
    const body of [{ ...right, password: "" }, { ...right, password: "x".repeat(129) }, { ...right, username: "A b" }]
  ) {
    await assert.rejects(running.client().login({ body }), hasCode("invalid-request"));
  }
});

test("changePassword() needs the current password and ends the other sessions", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const other = (await running.client().login({ body: right })).token;
  const client = running.client(token);
  const newPassword = "another horse";
  await assert.rejects(
    client.changePassword({ body: { currentPassword: wrong.password, newPassword } }),
    hasCode("invalid-credentials"),
  );
  await assert.rejects(
    client.changePassword({ body: { currentPassword: testPassword, newPassword: "short" } }),
    hasCode("invalid-request"),
  );
  await client.changePassword({ body: { currentPassword: testPassword, newPassword } });
  await assert.rejects(running.client(other).whoami({}), hasCode("unauthenticated"));
  assert.equal((await client.whoami({})).username, "alice");
  await assert.rejects(running.client().login({ body: right }), hasCode("invalid-credentials"));
  await running.client().login({ body: { username: "alice", password: newPassword } });
});

test("changePassword() is refused for guests and machines", async () => {
  await using running = await startTestMcias();
  const tokens = [
    await running.person("greta", ["guest"]),
    await running.machineToken(await running.machine("host-1", "node")),
  ];
  for (const token of tokens) {
    await assert.rejects(
      running.client(token).changePassword({ body: { currentPassword: testPassword, newPassword: "another horse" } }),
      hasCode("forbidden"),
    );
  }
});
