import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { buildClientHello } from "./testing/client-hello-bytes.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "./testing/open-test-proxy.ts";
import { targetOf } from "./testing/target-of.ts";
import { startTcpBackend, startTlsBackend } from "./testing/test-backend.ts";
import { connectTls } from "./testing/test-client.ts";

const hello = buildClientHello({ names: ["a.test"], alpn: ["h2"] });

async function connectRaw({ proxy }: TestProxy): Promise<Socket> {
  const socket = connectTcp({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Everything until the peer ends; rejects when it resets. Events, because a finished iterator closes both halves on Deno. */
function readAll(socket: Socket): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  socket.on("end", () => resolve(Buffer.concat(chunks))).on("error", reject);
  socket.resume();
  return promise;
}

async function metricOf({ metrics }: TestProxy, name: string): Promise<string | undefined> {
  return metrics.render().split("\n").find((line) => line.startsWith(name))?.split(" ").at(-1);
}

test("an L4 route passes TLS through to the service's own certificate", { timeout: 20_000 }, async () => {
  await using fixture = await openTestProxy();
  await using backend = await startTlsBackend(
    await fixture.authority.issue("a.test"),
    (socket) => void socket.pipe(socket),
  );
  await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port)));
  const client = await connectTls(targetOf(fixture));
  client.write("ping");
  const [echo] = await once(client, "data");
  assert.equal(String(echo), "ping");
  assert.equal(client.authorized, true);
  client.destroy();
});

test("an L4 route relays a hello that comes byte by byte, and half-close both ways", { timeout: 20_000 }, async () => {
  await using backend = await startTcpBackend(async (socket) => {
    const received = await readAll(socket);
    socket.end(Buffer.concat([Buffer.from("after your end: "), received]));
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port)));
  const client = await connectRaw(fixture);
  for (const byte of hello) {
    client.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.end("and this");
  const answer = await readAll(client);
  assert.deepEqual(answer, Buffer.concat([Buffer.from("after your end: "), hello, Buffer.from("and this")]));
});

test("an L4 relay lets the backend end first", { timeout: 20_000 }, async () => {
  const received = Promise.withResolvers<Buffer>();
  await using backend = await startTcpBackend((socket) => {
    socket.end("bye");
    readAll(socket).then(received.resolve, received.reject);
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port)));
  const client = await connectRaw(fixture);
  client.write(hello);
  assert.equal(String(await readAll(client)), "bye");
  client.end("still here");
  assert.equal((await received.promise).subarray(hello.length).toString(), "still here");
});

test("an L4 relay pauses the sender while the receiver does not read", { timeout: 20_000 }, async () => {
  const accepted = Promise.withResolvers<Socket>();
  await using backend = await startTcpBackend((socket) => {
    socket.pause();
    accepted.resolve(socket);
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port)));
  const client = await connectRaw(fixture);
  client.write(hello);
  const socket = await accepted.promise;
  const chunk = Buffer.alloc(1 << 20, 1);
  let sent = 0;
  while (sent < 64 && client.writableLength < 8 << 20) {
    client.write(chunk);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(sent < 64, "the proxy took everything although nobody reads");
  client.end();
  assert.equal((await readAll(socket)).length, hello.length + sent * chunk.length);
  socket.destroy();
});

test(
  "an L4 route passes over an instance that refuses, and resets when none is left",
  { timeout: 20_000 },
  async () => {
    await using backend = await startTcpBackend((socket) => socket.end("hi"));
    const closed = await startTcpBackend(() => {});
    await closed[Symbol.asyncDispose]();
    await using fixture = await openTestProxy();
    await fixture.serve(routeTo("a.test", "l4", backendAt(closed.port, "web-0"), backendAt(backend.port, "web-1")));
    for (let turn = 0; turn < 4; turn += 1) {
      const client = await connectRaw(fixture);
      client.write(hello);
      assert.equal(String(await readAll(client)), "hi");
      client.destroy();
    }
    await fixture.serve(routeTo("a.test", "l4", backendAt(closed.port, "web-0")));
    const client = await connectRaw(fixture);
    client.write(hello);
    await assert.rejects(readAll(client), { code: "ECONNRESET" });
    assert.equal(await metricOf(fixture, 'mc_proxy_refused_total{reason="no-backend"}'), "1");
  },
);

test("an L4 relay without traffic ends after the idle limit", { timeout: 20_000 }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.resume().on("end", () => socket.destroy()));
  await using fixture = await openTestProxy({ limits: { streamIdleMs: 100 } });
  await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port)));
  const client = await connectRaw(fixture);
  client.write(hello);
  await readAll(client).catch(() => undefined);
  await waitUntil(() => backend.open() === 0 || undefined, { action: "see the relay end", timeoutMs: 5_000 });
});

test("a connection lives on when its route is removed, and is reported as draining", { timeout: 20_000 }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port, "web-old")));
  const client = await connectRaw(fixture);
  client.write(hello);
  await once(client, "data");
  await fixture.serve();
  await fixture.reported(({ draining }) => draining["web-old"] === 1);
  client.write("still served");
  const [echo] = await once(client, "data");
  assert.equal(String(echo), "still served");
  client.end();
  await fixture.reported(({ draining, appliedRevision }) =>
    appliedRevision === 2 && Object.keys(draining).length === 0
  );
});

const unrecognizedName = Buffer.from("15030300020270", "hex");
const missingExtension = Buffer.from("1503030002026d", "hex");
const protocolVersion = Buffer.from("15030300020246", "hex");

const refusals: [string, Uint8Array, Buffer, string][] = [
  ["an unknown name", buildClientHello({ names: ["b.test"] }), unrecognizedName, "unknown-sni"],
  ["a name with a trailing dot", buildClientHello({ names: ["a.test."] }), unrecognizedName, "unknown-sni"],
  ["no name", buildClientHello(), missingExtension, "no-sni"],
  ["an IP literal as name", buildClientHello({ names: ["127.0.0.1"] }), missingExtension, "no-sni"],
  ["TLS 1.2", buildClientHello({ names: ["a.test"], versions: [0x0303] }), protocolVersion, "tls-version"],
  ["two names", buildClientHello({ names: ["a.test", "b.test"] }), Buffer.from("1503030002022f", "hex"), "malformed"],
];

for (const [what, bytes, alert, reason] of refusals) {
  test(`a hello with ${what} is refused with an alert and counted`, { timeout: 20_000 }, async () => {
    await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
    await using fixture = await openTestProxy();
    await fixture.serve(routeTo("a.test", "l4", backendAt(backend.port)));
    const client = await connectRaw(fixture);
    client.write(bytes);
    assert.deepEqual(await readAll(client), alert);
    client.destroy();
    assert.equal(backend.accepted(), 0);
    assert.equal(await metricOf(fixture, `mc_proxy_refused_total{reason="${reason}"}`), "1");
  });
}

test("plain HTTP is reset; a silent peer and a slow hello are cut", { timeout: 20_000 }, async () => {
  await using fixture = await openTestProxy({ limits: { firstByteMs: 50, clientHelloMs: 150 } });
  const http = await connectRaw(fixture);
  http.write("GET / HTTP/1.1\r\n\r\n");
  await assert.rejects(readAll(http), { code: "ECONNRESET" });
  const silent = await connectRaw(fixture);
  await assert.rejects(readAll(silent), { code: "ECONNRESET" });
  const slow = await connectRaw(fixture);
  slow.write(hello.subarray(0, 20));
  await assert.rejects(readAll(slow), { code: "ECONNRESET" });
  assert.equal(await metricOf(fixture, 'mc_proxy_refused_total{reason="not-tls"}'), "1");
  assert.equal(await metricOf(fixture, 'mc_proxy_refused_total{reason="timeout"}'), "2");
});
