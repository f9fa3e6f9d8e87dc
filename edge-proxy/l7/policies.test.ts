import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "#shared/contract/route.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend, type TestBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";

const startEcho = () => startHttpBackend((request, response) => void response.end(JSON.stringify(request.headers)));

function routeWith(backend: TestBackend, more: Partial<Route>): Route {
  return { ...routeTo("a.test", "l7", backendAt(backend.port)), ...more };
}

async function serve(backend: TestBackend, more: Partial<Route>): Promise<TestProxy> {
  const fixture = await openTestProxy();
  await fixture.serve(routeWith(backend, more));
  return fixture;
}

/** Resolves when so many requests wait. */
async function untilHeld({ proxy }: TestProxy, count: number): Promise<void> {
  const isHeld = async () => (await proxy.renderMetrics()).includes(`\nmc_proxy_requests_held ${count}\n`) || undefined;
  await waitUntil(isHeld, { action: "see them held", timeoutMs: 5_000 });
}

test("policies refuse by address, user agent and field, and are counted", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await serve(backend, {
    policies: { blockUserAgents: ["BadBot"], requireHeaders: [{ name: "X-Key", value: "open" }] },
  });
  const target = targetOf(fixture);
  const key = { "x-key": "open" };
  assert.equal((await ask(target, { headers: key })).status, 200);
  assert.equal((await ask(target, { headers: { ...key, "user-agent": "a badbot/1" } })).status, 403);
  assert.equal((await ask(target)).status, 403);
  await fixture.serve(routeWith(backend, { policies: { allowAddresses: ["10.0.0.0/8"] } }));
  assert.equal((await ask(target)).status, 403);
  await fixture.serve(routeWith(backend, { policies: { allowAddresses: ["127.0.0.0/8"] } }));
  assert.equal((await ask(target)).status, 200);
  const metrics = await fixture.proxy.renderMetrics();
  for (const policy of ["user-agent-blocked", "header-required", "address-not-allowed"]) {
    assert.match(metrics, new RegExp(`mc_proxy_blocked_total\\{[^}]*policy ${policy}[^}]*\\} 1`));
  }
});

test("a route under maintenance says so, in HTML and in JSON", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await serve(backend, { policies: { maintenance: { message: "Back at <noon>" } } });
  const target = targetOf(fixture);
  const page = await ask(target);
  assert.deepEqual([page.status, page.headers["retry-after"]], [503, "30"]);
  assert.match(page.body, /Back at &lt;noon>/);
  const problem = JSON.parse((await ask(target, { headers: { accept: "application/json" } })).body);
  assert.deepEqual([problem.status, problem.detail], [503, "Back at <noon>"]);
});

test("a paused route holds requests until it goes on, and no longer than it says", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await serve(backend, { policies: { pause: { seconds: 20 } } });
  const target = targetOf(fixture);
  const held = Promise.all([ask(target), ask(target, { method: "POST", body: "text" })]);
  await untilHeld(fixture, 2);
  await fixture.serve(routeWith(backend, {}));
  assert.deepEqual((await held).map(({ status }) => status), [200, 200]);
  await fixture.serve(routeWith(backend, { policies: { pause: { seconds: 1 } } }));
  const late = await ask(target);
  assert.deepEqual([late.status, late.headers["retry-after"]], [503, "1"]);
});

test("a held request of a route that goes away gives 503", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await serve(backend, { policies: { pause: { seconds: 20 } } });
  const held = ask(targetOf(fixture));
  await untilHeld(fixture, 1);
  await fixture.serve();
  assert.equal((await held).status, 503);
});

test("forward-auth lets pass, refuses, and fails closed", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using authority = await startHttpBackend((request, response) => {
    if (request.headers.authorization === "Bearer good") {
      return void response.writeHead(200, { "X-Auth-Account": `alice ${String(request.headers["x-forwarded-uri"])}` })
        .end();
    }
    response.writeHead(401, { "WWW-Authenticate": "Bearer", "X-Secret": "no" }).end("who are you?");
  });
  const url = `http://127.0.0.1:${authority.port}/v1/auth/forward`;
  await using fixture = await serve(backend, {
    policies: { forwardAuth: { url, responseFields: ["X-Auth-Account"] } },
  });
  const target = targetOf(fixture);
  const passed = await ask(target, {
    path: "/a?b=1",
    headers: { authorization: "Bearer good", "x-auth-account": "root", x_auth_account: "root" },
  });
  const seen = JSON.parse(passed.body);
  assert.deepEqual([passed.status, seen["x-auth-account"], seen["x_auth_account"]], [200, "alice /a?b=1", undefined]);
  const refused = await ask(target, { headers: { "x-auth-account": "root" } });
  assert.deepEqual(
    [refused.status, refused.headers["www-authenticate"], refused.headers["x-secret"], refused.body],
    [401, "Bearer", undefined, "who are you?"],
  );
  await fixture.serve(routeWith(backend, { policies: { forwardAuth: { url: "http://127.0.0.1:9/" } } }));
  assert.equal((await ask(target, { headers: { authorization: "Bearer good" } })).status, 503);
});

test("requests beyond a route's limit give 429 with the time to wait", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await serve(backend, { limits: { requests: { count: 2, windowSeconds: 60 } } });
  const target = targetOf(fixture);
  assert.deepEqual([(await ask(target)).status, (await ask(target)).status], [200, 200]);
  const third = await ask(target);
  assert.equal(third.status, 429);
  assert.ok(Number(third.headers["retry-after"]) >= 1);
  assert.match(await fixture.proxy.renderMetrics(), /mc_proxy_limited_total\{limit="requests"\} 1/);
});

test("H3: X-Forwarded-For is believed from trusted proxies only, and continued", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await serve(backend, { policies: { trustedProxies: ["127.0.0.0/8"] } });
  const claim = { "x-forwarded-for": "203.0.113.9, 198.51.100.7" };
  const believed = JSON.parse((await ask(targetOf(fixture), { headers: claim })).body);
  assert.deepEqual([believed["x-forwarded-for"], believed["x-real-ip"]], ["198.51.100.7, 127.0.0.1", "198.51.100.7"]);
  await fixture.serve(routeWith(backend, {}));
  const dropped = JSON.parse((await ask(targetOf(fixture), { headers: claim })).body);
  assert.deepEqual([dropped["x-forwarded-for"], dropped["x-real-ip"]], ["127.0.0.1", "127.0.0.1"]);
});
