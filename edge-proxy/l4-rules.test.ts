import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { openFirewall } from "#shared/contract/firewall.ts";
import type { Route } from "#shared/contract/route.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { buildProxyHeader } from "./proxy-protocol/build-proxy-header.ts";
import { parseProxyHeader } from "./proxy-protocol/parse-proxy-header.ts";
import { buildClientHello } from "./testing/client-hello-bytes.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "./testing/open-test-proxy.ts";
import { startTcpBackend, type TestBackend } from "./testing/test-backend.ts";

const timeout = 30_000;
const hello = buildClientHello({ names: ["a.test"] });

function connectRaw({ proxy }: TestProxy): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connectTcp({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true, noDelay: true });
  // Later errors are for whoever waits for the end.
  socket.once("connect", () => resolve(socket)).on("error", reject);
  return promise;
}

/** What ended a connection, and what came before: `end` for a clean end, else the error's code. */
function endOf(socket: Socket): Promise<{ readonly how: string; readonly bytes: Buffer }> {
  const { promise, resolve } = Promise.withResolvers<{ how: string; bytes: Buffer }>();
  const chunks: Buffer[] = [];
  const end = (how: string) => resolve({ how, bytes: Buffer.concat(chunks) });
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk)).on("end", () => end("end"));
  socket.on("error", (error) => end("code" in error ? String(error.code) : error.message)).on(
    "close",
    () => end("close"),
  );
  return promise;
}

/** How a connection that sends `bytes` ends, and what it is answered. */
async function visit(
  fixture: TestProxy,
  ...parts: Uint8Array[]
): Promise<{ readonly how: string; readonly bytes: Buffer }> {
  const socket = connectTcp({ host: "127.0.0.1", port: fixture.proxy.port, allowHalfOpen: true, noDelay: true });
  const ended = endOf(socket);
  for (const bytes of parts) socket.write(bytes);
  const result = await ended;
  socket.destroy();
  return result;
}

const isReset = ({ how, bytes }: { readonly how: string; readonly bytes: Buffer }) =>
  assert.deepEqual([how === "ECONNRESET" || how === "EPIPE", bytes.length], [true, 0], how);

const metricOf = async ({ proxy }: TestProxy, start: string) =>
  (await proxy.renderMetrics()).split("\n").find((line) => line.startsWith(start))?.split(" ").at(-1);

/** A backend that says its name and ends. */
const sayer = (name: string) => startTcpBackend((socket) => void socket.on("data", () => {}).end(name));

/** A backend that keeps what it gets. */
async function startKeeper(): Promise<{ readonly backend: TestBackend; readonly received: () => Buffer }> {
  const chunks: Buffer[] = [];
  const backend = await startTcpBackend((socket) => {
    socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
    socket.write("ok");
  });
  return { backend, received: () => Buffer.concat(chunks) };
}

const l4 = (backend: TestBackend, more: Partial<Route> = {}): Route => ({
  ...routeTo("a.test", "l4", backendAt(backend.port)),
  ...more,
});

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

test("an L4 route serves the addresses of its allow-list only", { timeout }, async () => {
  await using backend = await sayer("hi");
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend, { policies: { allowAddresses: ["10.0.0.0/8"] } }));
  isReset(await visit(fixture, hello));
  assert.equal(await metricOf(fixture, 'mc_proxy_blocked_total{by="route",rule="a.test:443"}'), "1");
  await fixture.serve(l4(backend, { policies: { allowAddresses: ["10.0.0.0/8", "127.0.0.0/8"] } }));
  assert.equal(String((await visit(fixture, hello)).bytes), "hi");
});

const announced = { source: { address: "192.0.2.7", port: 4_711 }, destination: { address: "192.0.2.8", port: 443 } };

/** A proxy whose main listener requires a PROXY header from loopback. */
async function openBehindProxy(trusted: readonly string[] = ["127.0.0.0/8"]): Promise<TestProxy> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  probe.close();
  await once(probe, "close");
  return await openTestProxy({ port, settings: { proxyProtocolPorts: [port], trustedProxies: trusted } });
}

test(
  "P1: a listener that requires a PROXY header resets those without one, and headers of others",
  { timeout },
  async () => {
    await using backend = await sayer("hi");
    await using fixture = await openBehindProxy();
    await fixture.serve(l4(backend));
    for (const version of ["v1", "v2"] as const) {
      assert.equal(String((await visit(fixture, buildProxyHeader(version, announced), hello)).bytes), "hi");
    }
    isReset(await visit(fixture, hello));
    await using distrustful = await openBehindProxy(["10.0.0.0/8"]);
    await distrustful.serve(l4(backend));
    isReset(await visit(distrustful, buildProxyHeader("v1", announced), hello));
    assert.equal(await metricOf(distrustful, 'mc_proxy_refused_total{reason="proxy-header"}'), "1");
  },
);

test(
  "P4: the header may be glued to the hello or come byte by byte; the announced address is judged",
  { timeout },
  async () => {
    await using backend = await sayer("hi");
    await using fixture = await openBehindProxy();
    await fixture.serve(l4(backend));
    const header = buildProxyHeader("v2", announced);
    assert.equal(String((await visit(fixture, Buffer.concat([header, hello]))).bytes), "hi");
    const single = [...Buffer.concat([header, hello])].map((byte) => Buffer.of(byte));
    assert.equal(String((await visit(fixture, ...single)).bytes), "hi");
    fixture.proxy.plane.firewall({ ...openFirewall, blockedAddresses: ["192.0.2.7"] });
    isReset(await visit(fixture, header, hello));
    fixture.proxy.plane.firewall({ ...openFirewall, blockedAddresses: ["127.0.0.1"] });
    assert.equal(String((await visit(fixture, header, hello)).bytes), "hi");
  },
);

for (const version of ["v1", "v2"] as const) {
  test(
    `P5: a route's PROXY header (${version}) names client and destination, in front of the hello`,
    { timeout },
    async () => {
      const { backend, received } = await startKeeper();
      await using _backend = backend;
      await using fixture = await openBehindProxy();
      await fixture.serve(l4(backend, { sendProxyProtocol: version }));
      const socket = await connectRaw(fixture);
      socket.write(Buffer.concat([buildProxyHeader("v1", announced), hello]));
      await once(socket, "data");
      const header = parseProxyHeader(received());
      assert.ok(header.kind === "header");
      assert.deepEqual([header.source, header.destination], [announced.source, announced.destination]);
      assert.deepEqual(received().subarray(header.length), hello);
      if (version === "v2") assert.equal(header.tlvs.authority, "a.test");
      socket.destroy();
    },
  );
}

test("a failed instance is set aside, and used again when it is the only one", { timeout }, async () => {
  await using backend = await sayer("web-1");
  const closed = await sayer("web-0");
  await closed[Symbol.asyncDispose]();
  await using fixture = await openTestProxy();
  const both = { backends: [backendAt(closed.port, "web-0"), backendAt(backend.port, "web-1")] };
  await fixture.serve(l4(backend, both));
  for (let turn = 0; turn < 6; turn += 1) assert.equal(String((await visit(fixture, hello)).bytes), "web-1");
  assert.equal(await metricOf(fixture, 'mc_proxy_instance_failures_total{route="a.test:443"}'), "1");
  assert.deepEqual(Object.keys((await fixture.proxy.plane.facts()).instancesAside), [`127.0.0.1|${closed.port}`]);
});

test("W2: a connection outlives changes of its own and of other routes, and ends some time after its route", {
  timeout,
}, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy({ limits: { drainMs: 300 } });
  await fixture.serve(l4(backend));
  const client = await connectRaw(fixture);
  client.write(hello);
  await once(client, "data");
  await fixture.serve(l4(backend, { component: "other" }), l4(backend, { hostname: "b.test" }));
  client.write("1");
  await once(client, "data");
  const { attachments: [attached] } = await fixture.proxy.plane.facts();
  assert.deepEqual([attached?.route, attached?.isOld, attached?.clientAddress], ["a.test:443", true, "127.0.0.1"]);
  await fixture.serve(l4(backend, { hostname: "b.test" }));
  client.write("2");
  await once(client, "data");
  assert.ok((await fixture.proxy.plane.facts()).attachments[0]?.cutAt);
  await endOf(client);
  client.destroy();
});

test("a route that comes back in time keeps its connections", { timeout }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy({ limits: { drainMs: 150 } });
  await fixture.serve(l4(backend));
  const client = await connectRaw(fixture);
  client.write(hello);
  await once(client, "data");
  await fixture.serve();
  await fixture.serve(l4(backend));
  assert.equal((await fixture.proxy.plane.facts()).attachments[0]?.cutAt, undefined);
  client.destroy();
});

test("a route's own idle limit ends a silent connection, and is counted", { timeout }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend, { limits: { idleMs: 200 } }));
  const client = await connectRaw(fixture);
  client.write(hello);
  await once(client, "data");
  await endOf(client);
  client.destroy();
  assert.equal(await metricOf(fixture, 'mc_proxy_limited_total{limit="idle"}'), "1");
});

for (const [who, cut] of [["client", 0], ["instance", 1]] as const) {
  test(`a reset of the ${who} is a reset on the other side, never a clean end`, { timeout }, async () => {
    const accepted = Promise.withResolvers<Socket>();
    await using backend = await startTcpBackend((socket) => {
      socket.write("hi");
      accepted.resolve(socket);
    });
    await using fixture = await openTestProxy();
    await fixture.serve(l4(backend));
    const client = await connectRaw(fixture);
    client.write(hello);
    await once(client, "data");
    const sides = [client, await accepted.promise];
    const other = sides[1 - cut];
    assert.ok(other);
    const ended = endOf(other);
    sides[cut]?.on("error", () => {}).resetAndDestroy();
    // Deno closes a connection that should be reset.
    const { how } = await ended;
    assert.ok(["ECONNRESET", "EPIPE"].includes(how) || process.versions["deno"] !== undefined, how);
  });
}

test("bulk both ways arrives whole, with buffers used again and again", { timeout: 60_000 }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend));
  const run = async (seed: number) => {
    const socket = await connectRaw(fixture);
    const payload = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 31 + seed) & 255));
    const ended = endOf(socket);
    socket.write(hello);
    socket.end(payload);
    const { bytes } = await ended;
    assert.ok(bytes.equals(Buffer.concat([hello, payload])), `connection ${seed}`);
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(run));
  assert.equal(
    await metricOf(fixture, 'mc_proxy_sent_bytes_total{route="a.test:443"}'),
    String(6 * (3_000_000 + hello.length)),
  );
});

test("a thousand idle connections are cheap and all end", { timeout: 60_000 }, async () => {
  await using backend = await startTcpBackend((socket) => void socket.pipe(socket));
  await using fixture = await openTestProxy();
  await fixture.serve(l4(backend));
  const sockets: Socket[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    const group = await Promise.all(Array.from({ length: 100 }, () => connectRaw(fixture)));
    for (const socket of group) socket.write(hello);
    await Promise.all(group.map((socket) => once(socket, "data")));
    sockets.push(...group);
  }
  assert.equal((await fixture.proxy.plane.facts()).openConnections, 1_000);
  for (const socket of sockets) socket.destroy();
  const isOver = async () => (await fixture.proxy.plane.facts()).openConnections === 0 || undefined;
  await waitUntil(isOver, { action: "see all end", timeoutMs: 20_000 });
  assert.equal(backend.open(), 0);
});
