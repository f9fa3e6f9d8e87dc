import assert from "node:assert/strict";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startTcpBackend } from "../testing/test-backend.ts";
import { ask, askRaw } from "../testing/test-client.ts";

/** A backend of raw bytes: answers each connection's first bytes with `answer`, and closes. */
function startRawBackend(answer: string) {
  return startTcpBackend((socket) => void socket.once("data", () => socket.end(answer)));
}

async function openWith(port: number): Promise<TestProxy> {
  const fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(port)));
  return fixture;
}

const badAnswers: [string, string][] = [
  ["no HTTP", "hello\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"],
  ["length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["nothing", ""],
  ["a status below 100", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"],
  ["the status 0", "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"],
  ["control characters in the reason", "HTTP/1.1 200 \u0001\r\nContent-Length: 2\r\n\r\nok"],
  ["a switch nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
];

for (const [what, bytes] of badAnswers) {
  test(`a backend that answers ${what} gives 502`, { timeout: 20_000 }, async () => {
    await using backend = await startRawBackend(bytes);
    await using fixture = await openWith(backend.port);
    const answer = await ask(targetOf(fixture), { headers: { accept: "application/json" } });
    assert.equal(answer.status, 502);
    assert.equal(answer.headers["content-type"], "application/problem+json");
    assert.equal(JSON.parse(answer.body).code, "upstream-failed");
  });
}

const oddAnswers: [string, string][] = [
  [
    "a hint that is no link",
    "HTTP/1.1 103 Early Hints\r\nLink: no link\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  ],
];

for (const [what, bytes] of oddAnswers) {
  test(`a backend that answers with ${what} is still understood`, { timeout: 20_000 }, async () => {
    await using backend = await startRawBackend(bytes);
    await using fixture = await openWith(backend.port);
    const answer = await ask(targetOf(fixture));
    assert.deepEqual([answer.status, answer.body], [200, "ok"]);
  });
}

test("a body that the backend breaks off is broken off at the client", { timeout: 20_000 }, async () => {
  await using backend = await startRawBackend("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  await using chunked = await startRawBackend("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  for (const port of [backend.port, chunked.port]) {
    await using fixture = await openWith(port);
    await assert.rejects(ask(targetOf(fixture)), { code: "ECONNRESET" });
    const raw = await askRaw(targetOf(fixture), "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert.doesNotMatch(raw, /0\r\n\r\n$/);
  }
});
