import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestMcias, testIssuer, type TestMcias, testPassword } from "./start-test-mcias.ts";

interface Ask {
  readonly token?: string | undefined;
  readonly authorization?: string;
  readonly service?: string;
  readonly ip?: string;
}

/** What a proxy is answered. */
async function ask(running: TestMcias, { token, authorization, service, ip }: Ask = {}): Promise<Response> {
  const url = new URL("/v1/auth/forward", testIssuer);
  if (service !== undefined) url.searchParams.set("service", service);
  const header = authorization ?? (token === undefined ? undefined : `Bearer ${token}`);
  const headers = {
    ...(header === undefined ? {} : { authorization: header }),
    ...(ip === undefined ? {} : { "x-real-ip": ip }),
  };
  return await running.mcias.app.fetch(new Request(url, { headers }));
}

const identityOf = ({ headers }: Response) => ["account", "kind", "roles"].map((name) => headers.get(`x-auth-${name}`));

async function tokenFor(running: TestMcias, username: string, serviceName: string): Promise<string> {
  return (await running.client().login({ body: { username, password: testPassword, serviceName } })).token;
}

test("auth.forward lets a live token pass, and says whose it is", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user", "guest"]);
  const answer = await ask(running, { token });
  assert.equal(answer.status, 204);
  assert.deepEqual(identityOf(answer), ["alice", "human", "user,guest"]);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const machine = await running.machine("host-1", "node");
  const ofMachine = await ask(running, { token: await running.machineToken(machine) });
  assert.deepEqual(identityOf(ofMachine), ["host-1", "node", ""]);
});

test("auth.forward accepts a token for the service that is asked for, and for no other", async () => {
  await using running = await startTestMcias();
  await running.person("alice", ["user"]);
  const token = await tokenFor(running, "alice", "grafana");
  assert.equal((await ask(running, { token, service: "grafana" })).status, 204);
  for (const service of ["wiki", undefined]) {
    const answer = await ask(running, { token, ...(service === undefined ? {} : { service }) });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer /);
  }
});

const denied: readonly (readonly [string, (running: TestMcias) => Promise<Ask>])[] = [
  ["no token", async () => ({})],
  ["another scheme", async () => ({ authorization: "Basic YTpi" })],
  ["what is no token", async () => ({ token: "abc" })],
  ["a token that is too long", async () => ({ token: "a".repeat(5_000) })],
  ["a changed token", async (running) => {
    const token = await running.person("alice", ["user"]);
    return { token: `${token.slice(0, -4)}AAAA` };
  }],
  ["a revoked token", async (running) => {
    const token = await running.person("alice", ["user"]);
    await running.client(token).logout({});
    return { token };
  }],
  ["an expired token", async (running) => {
    const token = await running.person("alice", ["user"]);
    running.clock.at += 40 * 86_400_000;
    return { token };
  }],
  ["the token of an account that is inactive", async (running) => {
    const token = await running.person("alice", ["user"]);
    const admin = await running.admin();
    await admin.updateAccount({ params: { username: "alice" }, body: { status: "inactive" } });
    return { token };
  }],
];

for (const [name, prepare] of denied) {
  test(`auth.forward answers ${name} with 401 and a challenge, and tells nothing of an account`, async () => {
    await using running = await startTestMcias();
    const answer = await ask(running, await prepare(running));
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("www-authenticate"), 'Bearer realm="metacircular"');
    assert.deepEqual(identityOf(answer), [null, null, null]);
  });
}

test("auth.forward slows a network down that shows wrong tokens, and no other one", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  const ip = "192.0.2.1";
  for (let count = 0; count < 5; count += 1) assert.equal((await ask(running, { token: "abc", ip })).status, 401);
  const limited = await ask(running, { token, ip });
  assert.equal(limited.status, 429);
  assert.equal(limited.headers.get("retry-after"), "1");
  assert.equal((await ask(running, { token, ip: "192.0.2.2" })).status, 204);
  running.clock.at += 1_000;
  assert.equal((await ask(running, { token, ip })).status, 204);
  const { token: fresh } = await running.client(undefined, ip).login({
    body: { username: "alice", password: testPassword },
  });
  assert.notEqual(fresh, "", "wrong tokens are not counted as wrong passwords");
});

test("auth.forward counts no token and expired tokens as nothing wrong", async () => {
  await using running = await startTestMcias();
  const token = await running.person("alice", ["user"]);
  running.clock.at += 40 * 86_400_000;
  const ip = "192.0.2.1";
  for (let count = 0; count < 6; count += 1) {
    assert.equal((await ask(running, { ip })).status, 401);
    assert.equal((await ask(running, { token, ip })).status, 401);
  }
});

test("auth.forward writes wrong tokens to the audit log, and nothing for those who show none", async () => {
  await using running = await startTestMcias();
  await ask(running);
  await ask(running, { token: "abc" });
  const { events } = await (await running.admin()).listAudit({});
  const own = events.filter(({ action }) => action === "auth.forward");
  assert.deepEqual(own.map(({ outcome, code }) => [outcome, code]), [["denied", "unauthenticated"]]);
});
