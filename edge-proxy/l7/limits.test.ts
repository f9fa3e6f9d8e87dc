import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { test } from "node:test";
import type { Route } from "#shared/contract/route.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend, startTcpBackend } from "../testing/test-backend.ts";
import { ask, askRaw, connectTls } from "../testing/test-client.ts";

async function openWith(port: number, limits: Route["limits"], own = {}): Promise<TestProxy> {
  const fixture = await openTestProxy({ limits: own });
  await fixture.serve({ ...routeTo("a.test", "l7", backendAt(port)), ...(limits === undefined ? {} : { limits }) });
  return fixture;
}

test("a route's limits bound head and body, announced or not", { timeout: 20_000 }, async () => {
  let asked = 0;
  await using backend = await startHttpBackend((request, response) => {
    asked += 1;
    request.resume().on("end", () => response.end("ok"));
  });
  await using fixture = await openWith(backend.port, { headBytes: 300, bodyBytes: 10 });
  const target = targetOf(fixture);
  assert.equal((await ask(target, { headers: { "x-long": "x".repeat(400) } })).status, 431);
  assert.equal((await ask(target, { method: "POST", body: "12345678901" })).status, 413);
  assert.equal(asked, 0);
  assert.equal((await ask(target, { method: "POST", body: "1234567890" })).status, 200);
  const chunked = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n";
  assert.match(await askRaw(target, chunked), /^HTTP\/1\.1 413 [^]*Connection: close/);
  assert.match(await fixture.proxy.renderMetrics(), /limit="body"[^\n]* 2/);
});

test("LIM5: a route's time to first byte and total time give 504", { timeout: 20_000 }, async () => {
  await using silent = await startTcpBackend(() => {});
  await using first = await openWith(silent.port, { firstByteMs: 150 });
  assert.equal((await ask(targetOf(first))).status, 504);
  await using total = await openWith(silent.port, { totalMs: 150 });
  assert.equal((await ask(targetOf(total))).status, 504);
});

test("LIM5: a response that goes on beyond the total time is broken off", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => {
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  });
  await using fixture = await openWith(backend.port, { totalMs: 300 });
  const answer = await askRaw(targetOf(fixture), "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(answer, /\r\n0\r\n\r\n$/);
});

/** Listens, and never accepts: its event loop stands still. */
const deaf = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

test("LIM5: an instance that does not accept in time gives 504", { timeout: 20_000 }, async (t) => {
  const child = spawn(process.execPath, ["--eval", deaf], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [port] = await once(child.stdout, "data");
  // These take the places in its queue; the kernel drops whoever comes after them.
  const queued = Array.from(
    { length: 4 },
    () => connect({ host: "127.0.0.1", port: Number(port) }).on("error", () => {}),
  );
  t.after(() => queued.forEach((socket) => socket.destroy()));
  await once(queued[0] ?? child, "connect");
  await using fixture = await openWith(Number(port), undefined, { connectMs: 150 });
  assert.equal((await ask(targetOf(fixture))).status, 504);
});

test("LIM4: a body that drips in slower than the least rate gives 408", { timeout: 40_000 }, async () => {
  await using backend = await startHttpBackend((request, response) =>
    void request.on("end", () => response.end()).resume()
  );
  await using fixture = await openWith(backend.port, undefined, { requestBodyBytesPerSecond: 500 });
  const socket = await connectTls(targetOf(fixture));
  socket.write("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n");
  const drip = setInterval(() => socket.write("x"), 250);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  clearInterval(drip);
  assert.match(answer, /^HTTP\/1\.1 408 /);
});

test("LIM6: a connection that is old closes after its next response", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith(backend.port, undefined, { connectionAgeMs: 0 });
  assert.match(await askRaw(targetOf(fixture), "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), /Connection: close/);
});

test("LIM6: a client connection without a request closes after the idle time", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith(backend.port, undefined, { clientKeepAliveMs: 150 });
  const socket = await connectTls(targetOf(fixture));
  socket.resume();
  await waitUntil(() => socket.closed || undefined, { action: "see it close", timeoutMs: 5_000 });
});
