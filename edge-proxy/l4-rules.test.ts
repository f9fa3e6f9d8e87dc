import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { test } from "node:test";
import { openFirewall } from "#shared/contract/firewall.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { buildClientHello } from "./testing/client-hello-bytes.ts";
import { openTestProxy } from "./testing/open-test-proxy.ts";
import { startTcpBackend } from "./testing/test-backend.ts";
import { connectRaw, endOf, hello, isReset, l4, metricOf, sayer, startKeeper, visit } from "./testing/l4-visit.ts";

const timeout = 30_000;

test(
  "X1: a hello in any number of segments and records is routed, also one of post-quantum size",
  { timeout },
  async () => {
    await using backend = await sayer("hi");
    await using fixture = await openTestProxy();
    await fixture.serve(l4(backend));
    const large = buildClientHello({ names: ["a.test"], extensions: [[51, Buffer.alloc(1_800, 7)]] });
    for (const bytes of [large, buildClientHello({ names: ["a.test"], recordBytes: 5 })]) {
      for (const at of [1, 5, 6, 43, bytes.length - 1]) {
        assert.equal(String((await visit(fixture, bytes.subarray(0, at), bytes.subarray(at))).bytes), "hi");
      }
    }
  },
);

test("X2: names are compared in lower case, and a wildcard takes one label", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend), l4(backend, { hostname: "*.b.test" }));
  for (const name of ["A.TEST", "x.b.test", "X-1.B.Test"]) {
    assert.equal(String((await visit(fixture, buildClientHello({ names: [name] }))).bytes), "hi", name);
  }
  for (const name of ["b.test", "x.y.b.test", "a.test.", "x.b.test."]) {
    assert.equal((await visit(fixture, buildClientHello({ names: [name] }))).bytes.at(-1), 112, name);
  }
});

test(
  "X3: no name goes to the default host if there is one; unknown ones are reset if so configured",
  { timeout },
  async () => {
    await using backend = await sayer("hi");
    await using fixture = await openTestProxy({ settings: { defaultHostname: "a.test", refuseWith: "reset" } });
    await fixture.serve(l4(backend));
    assert.equal(String((await visit(fixture, buildClientHello())).bytes), "hi");
    assert.equal(String((await visit(fixture, buildClientHello({ names: ["10.0.0.1"] }))).bytes), "hi");
    isReset(await visit(fixture, buildClientHello({ names: ["b.test"] })));
  },
);

test("X4: GREASE and an encrypted hello change nothing: the outer name routes", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend));
  const bytes = buildClientHello({
    names: ["a.test"],
    versions: [0x1a1a, 0x0304],
    alpn: ["\u003a\u003a", "h2"],
    extensions: [[0x2a2a, Buffer.alloc(1)], [0xfe0d, Buffer.alloc(200, 3)]],
  });
  assert.equal(String((await visit(fixture, bytes)).bytes), "hi");
});

test("X6: TLS 1.2 gets protocol_version, plain HTTP a reset", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend));
  const old = await visit(fixture, buildClientHello({ names: ["a.test"], versions: [0x0303] }));
  assert.deepEqual([...old.bytes.subarray(-2)], [2, 70]);
  isReset(await visit(fixture, Buffer.from("GET / HTTP/1.1\r\n\r\n")));
  isReset(await visit(fixture, Buffer.of(0x80, 0x2e, 1, 0, 2)));
});

test("X12: after the first hello everything is relayed, a second hello too", { timeout }, async () => {
  const { backend, received } = await startKeeper();
  await using _backend = backend;
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend));
  const second = buildClientHello({ names: ["other.test"] });
  const socket = await connectRaw(fixture);
  socket.write(hello);
  await once(socket, "data");
  socket.write(second);
  const expected = Buffer.concat([hello, second]);
  await waitUntil(() => received().equals(expected) || undefined, { action: "see both", timeoutMs: 10_000 });
  socket.destroy();
});

test("X5: acme-tls/1 is passed through on an L4 route, and never reaches L7", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend), { ...l4(backend), hostname: "b.test", mode: "l7" });
  const challenge = (name: string) => buildClientHello({ names: [name], alpn: ["acme-tls/1"] });
  assert.equal(String((await visit(fixture, challenge("a.test"))).bytes), "hi");
  isReset(await visit(fixture, challenge("b.test")));
});

test("LIM1: a connection that says nothing is cut, and so is a hello that does not end", { timeout }, async () => {
  await using fixture = await openTestProxy({ limits: { firstByteMs: 50, clientHelloMs: 150 } });
  isReset(await visit(fixture));
  isReset(await visit(fixture, hello.subarray(0, 30)));
  assert.equal(await metricOf(fixture, 'mc_proxy_limited_total{limit="first_byte"}'), "2");
});

test("LIM2: a handshake that stops is cut", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy({ limits: { handshakeMs: 100 } });
  await fixture.serve({ ...l4(backend), mode: "l7" });
  const bytes = buildClientHello({ names: ["a.test"], recordBytes: 16_000 });
  const { how } = await visit(fixture, bytes);
  assert.ok(["end", "close", "ECONNRESET", "EPIPE"].includes(how), how);
});

test("LIM7: more connections than may be are reset before they get a byte", { timeout }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy({ limits: { connections: 3 } });
  await fixture.serve(l4(backend));
  const open = await Promise.all([1, 2, 3].map(() => connectRaw(fixture)));
  for (const socket of open) socket.write(hello);
  await Promise.all(open.map((socket) => once(socket, "data")));
  isReset(await visit(fixture, hello));
  assert.equal(await metricOf(fixture, 'mc_proxy_limited_total{limit="connections"}'), "1");
  for (const socket of open) socket.destroy();
  const isFree = async () => (await fixture.proxy.plane.facts()).openConnections === 0 || undefined;
  await waitUntil(isFree, { action: "see them gone", timeoutMs: 10_000 });
  const socket = await connectRaw(fixture);
  socket.write(hello);
  await once(socket, "data");
  socket.destroy();
});

test("LIM7: handshakes under way are bounded, so that scanners take no place of others", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy({ limits: { handshakes: 2, firstByteMs: 300 } });
  await fixture.serve(l4(backend));
  const silent = await Promise.all([connectRaw(fixture), connectRaw(fixture)]);
  const ended = silent.map(endOf);
  isReset(await visit(fixture, hello));
  await Promise.all(ended);
  assert.equal(String((await visit(fixture, hello)).bytes), "hi");
});

test("LIM9: a stop cuts scanners within a second, and lets a connection in flight end", { timeout }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy({ limits: { drainMs: 20_000, firstByteMs: 20_000 } });
  await fixture.serve(l4(backend));
  const scanner = await connectRaw(fixture);
  const scanned = endOf(scanner);
  const client = await connectRaw(fixture);
  client.write(hello);
  await once(client, "data");
  const stopped = fixture.proxy[Symbol.asyncDispose]();
  await scanned;
  client.write("still here");
  const [echo] = await once(client, "data");
  assert.equal(String(echo), "still here");
  client.end();
  await stopped;
});

test(
  "the firewall resets before a byte is sent and before limits count; bans of the address too",
  { timeout },
  async () => {
    await using backend = await sayer("hi");
    await using fixture = await openTestProxy({ limits: { connections: 1 } });
    await fixture.serve(l4(backend));
    fixture.proxy.plane.firewall({ ...openFirewall, blockedAddresses: ["127.0.0.1"] });
    for (let turn = 0; turn < 3; turn += 1) isReset(await visit(fixture, hello));
    assert.equal(await metricOf(fixture, 'mc_proxy_blocked_total{by="address",rule="127.0.0.1"}'), "3");
    assert.equal(await metricOf(fixture, "mc_proxy_limited_total"), undefined);
    assert.equal(backend.accepted(), 0);
  },
);
