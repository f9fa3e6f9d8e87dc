import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { silentLog } from "#shared/log/log.ts";
import { openRedirectServer, type RedirectServerOptions } from "./redirect-server.ts";

const open = (options: Partial<RedirectServerOptions> = {}) =>
  openRedirectServer({
    address: "127.0.0.1",
    port: 0,
    portOf: (hostname) => new Map([["a.test", 443], ["b.test", 9443]]).get(hostname),
    answerChallenge: (hostname, path) =>
      hostname === "a.test" && path.endsWith("/token") ? "token.thumbprint" : undefined,
    isBlocked: () => false,
    requestHeadMs: 1_000,
    maxConnections: 100,
    log: silentLog,
    ...options,
  });

async function ask(port: number, host: string, path = "/"): Promise<[number | undefined, string | undefined, string]> {
  const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, string | undefined, string]>();
  httpRequest({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, (response) => {
    let text = "";
    response.on("data", (chunk: unknown) => text += String(chunk));
    response.on("end", () => resolve([response.statusCode, response.headers.location, text]));
  }).on("error", reject).end();
  return await promise;
}

test("openRedirectServer() sends known names to HTTPS, byte for byte", { timeout: 20_000 }, async () => {
  await using server = await open();
  assert.deepEqual(await ask(server.port, "a.test", "/x%2F?y=//z"), [308, "https://a.test/x%2F?y=//z", ""]);
  assert.deepEqual(await ask(server.port, "B.test.:80"), [308, "https://b.test:9443/", ""]);
  assert.equal((await ask(server.port, "c.test"))[0], 404);
});

test("openRedirectServer() answers ACME challenges, also of names without a route", { timeout: 20_000 }, async () => {
  await using server = await open({ portOf: () => undefined });
  assert.deepEqual(await ask(server.port, "a.test", "/.well-known/acme-challenge/token"), [
    200,
    undefined,
    "token.thumbprint",
  ]);
  assert.equal((await ask(server.port, "a.test", "/.well-known/acme-challenge/other"))[0], 404);
});

for (const host of ["a.test@evil.test", "a.test/x", "a test", "evil.test,a.test", "[::1]"]) {
  test(`openRedirectServer() redirects nowhere for Host "${host}"`, { timeout: 20_000 }, async () => {
    await using server = await open();
    assert.deepEqual((await ask(server.port, host)).slice(0, 2), [400, undefined]);
  });
}

test("openRedirectServer() resets whom the firewall blocks", { timeout: 20_000 }, async () => {
  await using server = await open({ isBlocked: (address) => address === "127.0.0.1" });
  await assert.rejects(ask(server.port, "a.test"), { code: /ECONNRESET|EPIPE/ });
});

test("openRedirectServer() cuts a head that does not come to an end", { timeout: 20_000 }, async () => {
  await using server = await open({ requestHeadMs: 200 });
  const client = connect(server.port, "127.0.0.1");
  client.on("error", () => {}).write("GET / HTTP/1.1\r\nHost: a.test\r\n");
  client.resume();
  await once(client, "close");
});
