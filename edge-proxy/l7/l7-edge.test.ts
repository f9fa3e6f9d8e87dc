import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { Agent } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import process from "node:process";
import type { Writable } from "node:stream";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend, startTcpBackend } from "../testing/test-backend.ts";
import { ask, askRaw, connectTls } from "../testing/test-client.ts";

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

async function openWith(port: number, options: Parameters<typeof openTestProxy>[0] = {}): Promise<TestProxy> {
  const fixture = await openTestProxy(options);
  await fixture.serve(routeTo("a.test", "l7", backendAt(port)));
  return fixture;
}

test("an L7 route serves HTTP with keep-alive on both sides", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend(async (request, response) => {
    response.end(`${request.method} ${request.url} ${await textOf(request)}`);
  });
  await using fixture = await openWith(backend.port);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const first = await ask(targetOf(fixture), { path: "/a%2Fb/../c?q=1", agent });
    const second = await ask(targetOf(fixture), { method: "POST", body: "hello", agent });
    const third = await ask(targetOf(fixture), { method: "PUT", body: "again", agent });
    assert.deepEqual([first.status, first.body], [200, "GET /a%2Fb/../c?q=1 "]);
    assert.equal(second.body, "POST / hello");
    assert.equal(third.body, "PUT / again");
    assert.deepEqual([first.reusedSocket, second.reusedSocket, third.reusedSocket], [false, true, true]);
    assert.equal(backend.accepted(), 1);
  } finally {
    agent.destroy();
  }
});

test("a backend sees who asks, whatever the client claims", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((request, response) =>
    void response.end(JSON.stringify(request.headers))
  );
  await using fixture = await openWith(backend.port);
  const answer = await ask(targetOf(fixture), {
    headers: { host: "A.test:8443", "x-forwarded-for": "9.9.9.9", "x-request-id": "id-1", connection: "X-Real-IP" },
  });
  const seen = JSON.parse(answer.body);
  assert.equal(seen["host"], "A.test:8443");
  assert.equal(seen["x-forwarded-for"], "127.0.0.1");
  assert.equal(seen["x-forwarded-proto"], "https");
  assert.equal(seen["x-real-ip"], "127.0.0.1");
  assert.equal(seen["x-request-id"], "id-1");
  assert.equal(seen["forwarded"], 'for=127.0.0.1;host="A.test:8443";proto=https');
});

test("an L7 route answers the route proof itself", { timeout: 20_000 }, async () => {
  const backend = await startHttpBackend((_request, response) => void response.end("backend"));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port, "web-7")));
  const proof = await ask(targetOf(fixture), { path: "/.well-known/mc-proxy/route" });
  assert.deepEqual([proof.status, JSON.parse(proof.body)], [200, { hostname: "a.test", instance: "web-7" }]);
  await backend[Symbol.asyncDispose]();
  assert.equal((await ask(targetOf(fixture), { path: "/.well-known/mc-proxy/route" })).status, 502);
});

test("HEAD, 204, 304, repeated fields and trailers pass", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((request, response) => {
    if (request.url === "/204" || request.url === "/304") {
      return void response.writeHead(Number(request.url.slice(1))).end();
    }
    if (request.method === "HEAD") return void response.writeHead(200, { "content-length": 1234 }).end();
    response.writeHead(200, ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Trailer", "Digest"]);
    response.write("body");
    response.addTrailers({ Digest: "sum", "Set-Cookie": "no" });
    response.end();
  });
  await using fixture = await openWith(backend.port);
  const target = targetOf(fixture);
  const head = await ask(target, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, "1234", ""]);
  assert.deepEqual([(await ask(target, { path: "/204" })).status, (await ask(target, { path: "/304" })).status], [
    204,
    304,
  ]);
  const full = await ask(target, { headers: { te: "trailers" } });
  assert.deepEqual(full.headers["set-cookie"], ["a=1", "b=2"]);
  assert.deepEqual([full.body, full.rawTrailers], ["body", ["Digest", "sum"]]);
});

test("request trailers pass, and 100 (Continue) comes from the backend", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend(async (request, response) => {
    const text = await textOf(request);
    response.end(`${text} ${request.rawTrailers.join("=")}`);
  });
  await using fixture = await openWith(backend.port);
  const answer = await askRaw(
    targetOf(fixture),
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" +
      "4\r\nbody\r\n0\r\nDigest: sum\r\nCookie: no\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  assert.match(answer, /body Digest=sum/);
});

test("a refusal instead of 100 (Continue) closes the connection", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend(() => {}, (server) => {
    server.on("checkContinue", (_request, response) => void response.writeHead(401).end());
  });
  await using fixture = await openWith(backend.port);
  const head = "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n";
  const answer = await askRaw(targetOf(fixture), head);
  assert.match(answer, /^HTTP\/1\.1 401 /);
  assert.match(answer, /connection: close/i);
});

test("50 MB stream both ways", { timeout: 60_000 }, async () => {
  await using backend = await startHttpBackend((request, response) => void request.pipe(response));
  await using fixture = await openWith(backend.port);
  const socket = await connectTls(targetOf(fixture));
  const chunk = Buffer.alloc(1 << 16, 120);
  const total = 800 * chunk.length;
  const received = Promise.withResolvers<void>();
  let length = 0;
  socket.on("data", (data: Buffer) => {
    length += data.length;
    if (length > total) received.resolve();
  });
  socket.write(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${total}\r\n\r\n`);
  for (let sent = 0; sent < 800; sent += 1) if (!socket.write(chunk)) await once(socket, "drain");
  await received.promise;
  socket.destroy();
});

/** Whether the writer of `stream` stops before `limit` chunks because nobody takes them. */
async function isStalledBefore(limit: number, stream: Writable): Promise<boolean> {
  const chunk = Buffer.alloc(1 << 16, 120);
  for (let written = 0; written < limit; written += 1) {
    if (stream.write(chunk)) continue;
    const quiet = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => quiet.resolve(true), 1_000);
    if (await Promise.race([once(stream, "drain").then(() => false), quiet.promise])) return true;
    clearTimeout(timer);
  }
  return false;
}

test("a download is paused while the client does not read", { timeout: 60_000 }, async () => {
  const stalled = Promise.withResolvers<boolean>();
  await using backend = await startHttpBackend((_request, response) => {
    isStalledBefore(1_000, response).then(stalled.resolve, stalled.reject);
  });
  await using fixture = await openWith(backend.port);
  // Between client and proxy sits a relay that stops reading from the proxy once the request is on its way.
  const toProxy: Socket[] = [];
  await using valve = await startTcpBackend((socket) => {
    const upstream = connectTcp(fixture.proxy.port, "127.0.0.1");
    upstream.on("error", () => socket.destroy());
    toProxy.push(upstream);
    socket.pipe(upstream).pipe(socket);
  });
  const client = await connectTls({ ...targetOf(fixture), port: valve.port });
  client.on("error", () => {});
  for (const socket of toProxy) socket.unpipe().pause();
  client.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  assert.equal(await stalled.promise, true);
  client.destroy();
  for (const socket of toProxy) socket.destroy();
});

// Deno 2.9 reads on from a paused TLS socket, so an upload is held in memory there (see README.md).
const skipOnDeno = "deno" in process.versions ? "Deno does not stop reading from a paused TLS socket" : false;

test("an upload is paused while the backend does not read", { timeout: 60_000, skip: skipOnDeno }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pause());
  await using fixture = await openWith(backend.port);
  const client = await connectTls(targetOf(fixture));
  client.on("error", () => {});
  client.write("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 65536000\r\n\r\n");
  assert.equal(await isStalledBefore(1_000, client), true);
  client.destroy();
});

test("a head without a body goes out at once, and an event stream as it comes", { timeout: 20_000 }, async () => {
  const finish = Promise.withResolvers<void>();
  await using backend = await startHttpBackend(async (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    await finish.promise;
    response.end("data: x\n\n");
  });
  await using fixture = await openWith(backend.port);
  const socket = await connectTls(targetOf(fixture));
  socket.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  const [head] = await once(socket, "data");
  assert.match(String(head), /^HTTP\/1\.1 200/);
  finish.resolve();
  const [event] = await once(socket, "data");
  assert.match(String(event), /data: x/);
  socket.destroy();
});

const vectors: [string, RegExp, string][] = [
  ["another host", /^HTTP\/1\.1 421 /, "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n"],
  ["two hosts", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"],
  ["no host", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\n\r\n"],
  ["a blank in the host", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost: a.test b\r\n\r\n"],
  [
    "length and chunked",
    /^HTTP\/1\.1 400 /,
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "two lengths",
    /^HTTP\/1\.1 400 /,
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
  ],
  [
    "equal lengths twice",
    /^HTTP\/1\.1 400 /,
    "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
  ],
  ["a signed length", /^HTTP\/1\.1 400 /, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +5\r\n\r\nhello"],
  [
    "gzip, chunked",
    /^HTTP\/1\.1 (400|501) /,
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "xchunked",
    /^HTTP\/1\.1 (400|501) /,
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "chunked in HTTP/1.0",
    /^HTTP\/1\.1 400 /,
    "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["a folded line", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\r\n b\r\n\r\n"],
  ["a blank before the colon", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n"],
  ["an empty name", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost: a.test\r\n: x\r\n\r\n"],
  ["a bare CR", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\rb\r\n\r\n"],
  ["a NUL", /^HTTP\/1\.1 400 /, "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n"],
  ["HTTP/0.9", /^HTTP\/1\.1 400 /, "GET /x\nHost: a.test\n\n"],
  ["HTTP/2.0 as text", /^HTTP\/1\.1 (400|505) /, "GET / HTTP/2.7\r\nHost: a.test\r\n\r\n"],
  [
    "a signed chunk size",
    /^HTTP\/1\.1 400 /,
    "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
  ],
  ["a fragment", /^HTTP\/1\.1 400 /, "GET /a#b HTTP/1.1\r\nHost: a.test\r\n\r\n"],
  ["CONNECT", /^HTTP\/1\.1 405 /, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n"],
  ["TRACE", /^HTTP\/1\.1 405 /, "TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n"],
  [
    "another expectation",
    /^HTTP\/1\.1 417 /,
    "GET / HTTP/1.1\r\nHost: a.test\r\nExpect: tea\r\nConnection: close\r\n\r\n",
  ],
  ["a head above 16 KiB", /^HTTP\/1\.1 431 /, `GET / HTTP/1.1\r\nHost: a.test\r\nX: ${"a".repeat(17_000)}\r\n\r\n`],
  ["101 fields", /^HTTP\/1\.1 431 /, `GET / HTTP/1.1\r\nHost: a.test\r\n${"X: a\r\n".repeat(100)}\r\n`],
  [
    "an upgrade that is not offered",
    /^HTTP\/1\.1 501 /,
    "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: tls\r\n\r\n",
  ],
];

test(
  "what two parsers may read differently is refused, and never reaches the backend",
  { timeout: 60_000 },
  async (context) => {
    const reached: string[] = [];
    await using backend = await startHttpBackend((request, response) => {
      reached.push(`${request.method} ${request.url}`);
      request.on("end", () => response.end("reached")).resume();
    });
    await using fixture = await openWith(backend.port);
    for (const [what, expected, bytes] of vectors) {
      await context.test(what, { timeout: 5_000 }, async () => {
        const smuggled = `GET /${what.replaceAll(" ", "-")} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
        const answer = await askRaw(targetOf(fixture), bytes + (bytes.startsWith("CONNECT") ? "" : smuggled));
        assert.match(answer, expected);
        assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1);
      });
    }
    // The head of a chunked request may be forwarded before its body turns out to be malformed; nothing after it ever is.
    assert.deepEqual(reached.filter((request) => request !== "POST /"), []);
  },
);

test("502, 503 and 504 are told apart", { timeout: 20_000 }, async () => {
  await using silent = await startTcpBackend((socket) => void socket.resume());
  const closed = await startTcpBackend(() => {});
  await closed[Symbol.asyncDispose]();
  await using fixture = await openWith(silent.port, { limits: { responseHeadMs: 100 } });
  const target = targetOf(fixture);
  const late = await ask(target);
  assert.equal(late.status, 504);
  assert.match(late.body, /took too long/);
  await fixture.serve(routeTo("a.test", "l7", backendAt(closed.port)));
  assert.equal((await ask(target)).status, 502);
  const socket = await connectTls(target);
  await fixture.serve();
  socket.write("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 503 /);
  socket.destroy();
});

test("a slow head and a stalled body give 408", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((request, response) =>
    void request.on("end", () => response.end()).resume()
  );
  await using fixture = await openWith(backend.port, { limits: { requestHeadMs: 200, requestBodyIdleMs: 100 } });
  const target = targetOf(fixture);
  assert.match(
    await askRaw(target, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc"),
    /^HTTP\/1\.1 408 /,
  );
  assert.match(await askRaw(target, "GET / HTTP/1.1\r\nHost: a.te"), /^HTTP\/1\.1 408 /);
});

test("an instance that refuses is passed over, also for a request with a body", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend(async (request, response) => void response.end(await textOf(request)));
  const closed = await startTcpBackend(() => {});
  await closed[Symbol.asyncDispose]();
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(closed.port, "web-0"), backendAt(backend.port, "web-1")));
  for (let turn = 0; turn < 4; turn += 1) {
    const answer = await ask(targetOf(fixture), { method: "POST", body: "payload" });
    assert.deepEqual([answer.status, answer.body], [200, "payload"]);
  }
});

test("a pooled connection that died is replaced once, for idempotent methods", { timeout: 20_000 }, async () => {
  let connection = 0;
  await using backend = await startTcpBackend((socket) => {
    connection += 1;
    let requests = 0;
    socket.on("data", () => {
      requests += 1;
      // The second request on a kept connection finds it closed: the race of every keep-alive server.
      if (requests > 1) return void socket.destroy();
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  await using fixture = await openWith(backend.port);
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await ask(targetOf(fixture))).body, "ok");
  assert.ok(connection >= 2);
});

test("H12: idle connections to a backend close after the limit", { timeout: 20_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openWith(backend.port, { limits: { backendKeepAliveMs: 100 } });
  await ask(targetOf(fixture));
  await waitUntil(() => backend.open() === 0 || undefined, {
    action: "see the idle connection close",
    timeoutMs: 3_000,
  });
});

test("a client that goes away takes its request with it", { timeout: 20_000 }, async () => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using backend = await startHttpBackend((request) => {
    request.on("close", gone.resolve);
    asked.resolve();
  });
  await using fixture = await openWith(backend.port);
  const socket = await connectTls(targetOf(fixture));
  socket.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  await asked.promise;
  socket.destroy();
  await gone.promise;
});
