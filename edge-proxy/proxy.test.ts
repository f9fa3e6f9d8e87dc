import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { backendAt, openTestProxy, routeTo } from "./testing/open-test-proxy.ts";
import { targetOf } from "./testing/target-of.ts";
import { createTestAuthority } from "./testing/test-authority.ts";
import { startHttpBackend } from "./testing/test-backend.ts";
import { ask, connectTls } from "./testing/test-client.ts";

test("routes are swapped under load without a failed request", { timeout: 60_000 }, async () => {
  const answer = (name: string) =>
    startHttpBackend((_request, response) => void setImmediate(() => response.end(name)));
  await using blue = await answer("blue");
  await using green = await answer("green");
  await using fixture = await openTestProxy();
  const routes = [blue, green].map(({ port }, index) => routeTo("a.test", "l7", backendAt(port, `web-${index}`)));
  const [first, second] = routes;
  assert.ok(first && second);
  await fixture.serve(first);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let running = true;
  const seen = new Map<string, number>();
  const clients = Array.from({ length: 8 }, async () => {
    while (running) {
      const { status, body } = await ask(targetOf(fixture), { agent });
      assert.equal(status, 200);
      seen.set(body, (seen.get(body) ?? 0) + 1);
    }
  });
  for (let swap = 0; swap < 20; swap += 1) {
    const before = (seen.get("blue") ?? 0) + (seen.get("green") ?? 0);
    await fixture.serve(swap % 2 === 0 ? second : first);
    const moved = () => (seen.get("blue") ?? 0) + (seen.get("green") ?? 0) >= before + 16 || undefined;
    await waitUntil(moved, { action: "see requests", timeoutMs: 10_000, intervalMs: 2 });
  }
  running = false;
  await Promise.all(clients);
  agent.destroy();
  assert.ok((seen.get("blue") ?? 0) > 0 && (seen.get("green") ?? 0) > 0);
});

test("no new request goes to an instance that left; the one in flight finishes", { timeout: 20_000 }, async () => {
  const asked = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let oldRequests = 0;
  await using old = await startHttpBackend(async (_request, response) => {
    oldRequests += 1;
    asked.resolve();
    await finish.promise;
    response.end("old");
  });
  await using current = await startHttpBackend((_request, response) => void response.end("new"));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(old.port, "web-1")));
  const inFlight = ask(targetOf(fixture));
  await asked.promise;
  await fixture.serve(routeTo("a.test", "l7", backendAt(current.port, "web-2")));
  await fixture.reported(({ draining }) => draining["web-1"] === 1);
  for (let turn = 0; turn < 5; turn += 1) assert.equal((await ask(targetOf(fixture))).body, "new");
  finish.resolve();
  assert.equal((await inFlight).body, "old");
  await fixture.reported(({ appliedRevision, draining }) =>
    appliedRevision === 2 && Object.keys(draining).length === 0
  );
  assert.equal(oldRequests, 1);
});

test("a failing certificate is a problem of its own route only, and is retried", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  const authority = await createTestAuthority();
  let isSealed = true;
  await using fixture = await openTestProxy({
    authority,
    certificates: {
      obtain: (hostname, csrPem) =>
        isSealed && hostname === "b.test" ? Promise.reject(new Error("sealed")) : authority.sign(csrPem),
    },
  });
  await fixture.serve(...["a.test", "b.test"].map((name) => routeTo(name, "l7", backendAt(backend.port))));
  assert.deepEqual(fixture.proxy.currentReport().problems, { "b.test:443": "sealed" });
  assert.equal((await ask(targetOf(fixture))).status, 200);
  await assert.rejects(connectTls(targetOf(fixture, "b.test")));
  isSealed = false;
  await waitUntil(() => Object.keys(fixture.proxy.currentReport().problems).length === 0 || undefined, {
    action: "see the problem go",
    timeoutMs: 10_000,
  });
  assert.equal((await ask(targetOf(fixture, "b.test"))).status, 200);
});

test("roots that cannot be read are a problem of the route, and are read again", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  const authority = await createTestAuthority();
  let isMissing = true;
  const rootsPem = () =>
    isMissing ? Promise.reject(new Error("no such file")) : Promise.resolve<string | undefined>(authority.rootPem);
  await using fixture = await openTestProxy({ authority, rootsPem });
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  assert.deepEqual(fixture.proxy.currentReport().problems, { "a.test:443": "no such file" });
  isMissing = false;
  await waitUntil(() => Object.keys(fixture.proxy.currentReport().problems).length === 0 || undefined, {
    action: "see the problem go",
    timeoutMs: 10_000,
  });
  assert.equal((await ask(targetOf(fixture))).status, 200);
});

test("certificates are renewed under load without a failed handshake", { timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  const authority = await createTestAuthority();
  let issued = 0;
  await using fixture = await openTestProxy({
    authority,
    certificates: {
      obtain(_hostname, csrPem) {
        issued += 1;
        // Renewal is due at two thirds of a life of which 23 of 24 hours are over: at once, until the last one.
        const notBefore = new Date(Date.now() - 23 * 3_600_000);
        const notAfter = new Date(Date.now() + (issued < 30 ? 1 : 500) * 3_600_000);
        return authority.sign(csrPem, { notBefore, notAfter });
      },
    },
  });
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  let asked = 0;
  while (issued < 30) {
    assert.equal((await ask(targetOf(fixture))).status, 200);
    assert.equal((await ask(targetOf(fixture), { agent: kept })).status, 200);
    asked += 1;
  }
  kept.destroy();
  assert.ok(asked > 0);
});

test("after a restart without a control plane the kept certificate serves", { timeout: 20_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "edge-proxy-"));
  try {
    await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
    const authority = await createTestAuthority();
    const route = routeTo("a.test", "l7", backendAt(backend.port));
    {
      await using first = await openTestProxy({ authority, folder });
      await first.serve(route);
    }
    assert.equal((await stat(join(folder, "a.test.key"))).mode & 0o777, 0o600);
    const down = { obtain: () => Promise.reject(new Error("down")) };
    await using second = await openTestProxy({ authority, folder, certificates: down });
    await second.serve(route);
    assert.equal((await ask(targetOf(second))).status, 200);
    await writeFile(join(folder, "a.test.key"), "damaged");
    await using third = await openTestProxy({ authority, folder, certificates: down });
    await third.serve(route);
    assert.deepEqual(third.proxy.currentReport().problems, { "a.test:443": "down" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test(
  "a route's own port is opened and closed with it; a taken one is a problem until it is free",
  { timeout: 20_000 },
  async () => {
    await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await using fixture = await openTestProxy();
    const main = routeTo("a.test", "l7", backendAt(backend.port));
    const own = { ...routeTo("b.test", "l7", backendAt(backend.port)), port };
    await fixture.serve(main, own);
    assert.match(fixture.proxy.currentReport().problems[`b.test:${port}`] ?? "", /another program has the port/);
    assert.equal((await ask(targetOf(fixture))).status, 200);
    taken.close();
    await once(taken, "close");
    await waitUntil(() => Object.keys(fixture.proxy.currentReport().problems).length === 0 || undefined, {
      action: "see the problem go",
      timeoutMs: 10_000,
    });
    const target = { ...targetOf(fixture, "b.test"), port };
    assert.equal((await ask(target)).status, 200);
    await fixture.serve(main);
    await assert.rejects(connectTls(target), { code: "ECONNREFUSED" });
  },
);

test(
  "stopping lets requests in flight finish, and cuts idle and silent connections at once",
  { timeout: 20_000 },
  async () => {
    const asked = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    await using backend = await startHttpBackend(async (_request, response) => {
      asked.resolve();
      await finish.promise;
      response.end("done");
    });
    await using fixture = await openTestProxy();
    await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
    const target = targetOf(fixture);
    const idle = await connectTls(target);
    const inFlight = ask(target, { agent: new Agent({ keepAlive: true }) });
    await asked.promise;
    const stopped = fixture.proxy[Symbol.asyncDispose]();
    await once(idle, "close");
    await assert.rejects(connectTls(target), { code: "ECONNREFUSED" });
    finish.resolve();
    const answer = await inFlight;
    assert.deepEqual([answer.body, answer.headers.connection], ["done", "close"]);
    await stopped;
  },
);

test("stopping cuts what is still in flight after the drain time", { timeout: 20_000 }, async () => {
  const asked = Promise.withResolvers<void>();
  await using backend = await startHttpBackend(() => asked.resolve());
  await using fixture = await openTestProxy({ limits: { drainMs: 50 } });
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const inFlight = ask(targetOf(fixture)).catch((error: unknown) => error);
  await asked.promise;
  await fixture.proxy[Symbol.asyncDispose]();
  assert.ok(await inFlight instanceof Error);
});
