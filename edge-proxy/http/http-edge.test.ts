import assert from "node:assert/strict";
import { Agent } from "node:https";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask, askRaw, type Target } from "../testing/test-client.ts";

function targetOf({ proxy, authority }: TestProxy, hostname = "a.test"): Target {
  return { port: proxy.port, rootPem: authority.rootPem, hostname };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

test("an L7 route serves HTTP with keep-alive on both sides", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend(async (request, response) => {
    response.end(`${request.method} ${request.url} ${await textOf(request)}`);
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const first = await ask(targetOf(fixture), { path: "/a%2Fb?q=1", agent });
    const second = await ask(targetOf(fixture), { method: "POST", body: "hello", agent });
    const third = await ask(targetOf(fixture), { method: "PUT", body: "again", agent });
    assert.deepEqual([first.status, first.body], [200, "GET /a%2Fb?q=1 "]);
    assert.equal(second.body, "POST / hello");
    assert.equal(third.body, "PUT / again");
    assert.deepEqual([first.reusedSocket, second.reusedSocket, third.reusedSocket], [false, true, true]);
    assert.equal(backend.accepted(), 1);
  } finally {
    agent.destroy();
  }
});

test("an L7 route answers the route proof itself", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("backend"));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port, "web-7")));
  const target = targetOf(fixture);
  const proof = await ask(target, { path: "/.well-known/mc-proxy/route" });
  assert.deepEqual([proof.status, JSON.parse(proof.body)], [200, { hostname: "a.test", instance: "web-7" }]);
  const raw = await askRaw(
    target,
    "GET /.well-known/mc-proxy/route HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
  );
  assert.match(raw, /^HTTP\/1\.1 200/);
});
