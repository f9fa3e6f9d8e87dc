import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import type { Route } from "#shared/contract/route.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { askRaw } from "../testing/test-client.ts";

/** A WebSocket backend that echoes messages, and the port it is on. */
async function startEcho(t: TestContext): Promise<number> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on(
    "connection",
    (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

function open(fixture: TestProxy): WebSocket {
  const { port, rootPem, hostname } = targetOf(fixture);
  const options = { ca: rootPem, servername: hostname, headers: { host: hostname } };
  return new WebSocket(`wss://127.0.0.1:${port}/`, options);
}

async function serveEcho(t: TestContext, more: Partial<Route> = {}, limits = {}): Promise<TestProxy> {
  const fixture = await openTestProxy({ limits });
  await fixture.serve({ ...routeTo("a.test", "l7", backendAt(await startEcho(t))), ...more });
  return fixture;
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, "close");
  return Number(code);
}

test("W1: messages of any size pass untouched, in text and binary", { timeout: 20_000 }, async (t) => {
  await using fixture = await serveEcho(t);
  const socket = open(fixture);
  await once(socket, "open");
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
    const answer = once(socket, "message");
    socket.send("x".repeat(size));
    const [data, isBinary] = await answer;
    assert.deepEqual([String(data).length, isBinary], [size, false]);
  }
  const pong = once(socket, "pong");
  socket.ping("here?");
  assert.equal(String((await pong)[0]), "here?");
  const closed = closeCode(socket);
  socket.close(4001, "done");
  assert.equal(await closed, 4001);
});

const handshake = (fields: string) =>
  `GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`;

const badHandshakes: [string, string, RegExp][] = [
  ["no key", "Sec-WebSocket-Version: 13\r\n", /^HTTP\/1\.1 400 /],
  ["a short key", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YWJj\r\n", /^HTTP\/1\.1 400 /],
  [
    "another version",
    "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    /^HTTP\/1\.1 426 /,
  ],
  [
    "a body",
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 1\r\n",
    /^HTTP\/1\.1 400 /,
  ],
];

for (const [what, fields, expected] of badHandshakes) {
  test(`W1: a handshake with ${what} is refused`, { timeout: 20_000 }, async (t) => {
    await using fixture = await serveEcho(t);
    assert.match(await askRaw(targetOf(fixture), handshake(fields)), expected);
  });
}

test("W2: a WebSocket outlives changes of its and other routes", { timeout: 20_000 }, async (t) => {
  await using fixture = await serveEcho(t);
  const socket = open(fixture);
  await once(socket, "open");
  const [route] = [...fixture.proxy.table().routes()];
  assert.ok(route);
  await fixture.serve({ ...route, limits: { bodyBytes: 5 } }, { ...route, hostname: "b.test" });
  const answer = once(socket, "message");
  socket.send("still here, and longer than five bytes");
  assert.equal(String((await answer)[0]), "still here, and longer than five bytes");
  socket.terminate();
});

test(
  "W2: the WebSocket of a route that is gone is closed with 1001 after the drain time",
  { timeout: 20_000 },
  async (t) => {
    await using fixture = await serveEcho(t, {}, { drainMs: 200 });
    const socket = open(fixture);
    await once(socket, "open");
    const closed = closeCode(socket);
    await fixture.serve();
    assert.equal(await closed, 1001);
  },
);

test("LIM9: a WebSocket is closed with 1001 when the time to drain is over", { timeout: 20_000 }, async (t) => {
  const fixture = await serveEcho(t, {}, { drainMs: 200 });
  const socket = open(fixture);
  await once(socket, "open");
  const closed = closeCode(socket);
  await fixture[Symbol.asyncDispose]();
  assert.equal(await closed, 1001);
});

test("W2: a WebSocket without a byte for the route's idle time is cut", { timeout: 20_000 }, async (t) => {
  await using fixture = await serveEcho(t, { limits: { idleMs: 200 } });
  const socket = open(fixture);
  await once(socket, "open");
  assert.equal(await closeCode(socket), 1006);
});
