import assert from "node:assert/strict";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask, askRaw } from "../testing/test-client.ts";

async function openWith(port: number): Promise<TestProxy> {
  const fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(port)));
  return fixture;
}

test("H6: Max-Forwards counts down on OPTIONS, and at 0 the proxy answers itself", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((request, response) =>
    void response.end(request.headers["max-forwards"] ?? "none")
  );
  await using fixture = await openWith(backend.port);
  const options = (hops: string) => ask(targetOf(fixture), { method: "OPTIONS", headers: { "max-forwards": hops } });
  assert.equal((await options("3")).body, "2");
  const own = await options("0");
  assert.deepEqual([own.status, own.body, own.headers.allow?.includes("OPTIONS")], [200, "", true]);
  assert.equal((await ask(targetOf(fixture), { headers: { "max-forwards": "0" } })).body, "0");
});

test("H7: 102 and 103 reach the client before the answer, and only HTTP/1.1 clients", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.end("ok");
  });
  await using fixture = await openWith(backend.port);
  const answer = await askRaw(targetOf(fixture), "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 102 [^]*HTTP\/1\.1 103 [^]*style\.css[^]*HTTP\/1\.1 200 /);
  const old = await askRaw(targetOf(fixture), "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
  assert.match(old, /^HTTP\/1\.1 200 /);
});
