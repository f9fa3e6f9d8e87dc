import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { Route } from "#shared/contract/route.ts";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { createTestAuthority } from "../testing/test-authority.ts";
import { startHttpBackend, startTlsBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";

/** Answers every request on a TLS connection. */
function answer(socket: Socket): void {
  socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"));
}

const overTls = (port: number, more: Partial<Route> = {}): Route => ({
  ...routeTo("a.test", "l7", backendAt(port)),
  backendProtocol: "https",
  ...more,
});

test("X10: an instance on TLS must have the name that the route expects, from the platform's root", {
  timeout: 20_000,
}, async () => {
  const authority = await createTestAuthority();
  await using named = await startTlsBackend(await authority.issue("a.test"), answer);
  await using inner = await startTlsBackend(await authority.issue("inner.test"), answer);
  await using foreign = await startTlsBackend(await (await createTestAuthority()).issue("a.test"), answer);
  await using fixture = await openTestProxy({ authority });
  const target = targetOf(fixture);

  await fixture.serve(overTls(named.port));
  assert.deepEqual([(await ask(target)).body, (await ask(target)).body], ["secret", "secret"]);
  assert.equal(named.accepted(), 1);

  await fixture.serve(overTls(inner.port));
  assert.equal((await ask(target)).status, 502);
  await fixture.serve(overTls(inner.port, { backendServerName: "inner.test" }));
  assert.equal((await ask(target)).body, "secret");

  await fixture.serve(overTls(foreign.port));
  assert.equal((await ask(target)).status, 502);
});

test("X10: an instance that speaks plain HTTP where TLS is expected gives 502", { timeout: 20_000 }, async () => {
  await using fixture = await openTestProxy();
  await using plain = await startHttpBackend((_request, response) => void response.end("plain"));
  await fixture.serve(overTls(plain.port));
  assert.equal((await ask(targetOf(fixture))).status, 502);
});
