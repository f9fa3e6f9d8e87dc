import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { openFirewall } from "#shared/contract/firewall.ts";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { buildProxyHeader } from "./proxy-protocol/build-proxy-header.ts";
import { parseProxyHeader } from "./proxy-protocol/parse-proxy-header.ts";
import { backendAt, openTestProxy, type TestProxy } from "./testing/open-test-proxy.ts";
import { startTcpBackend } from "./testing/test-backend.ts";
import { connectRaw, endOf, hello, isReset, l4, metricOf, sayer, startKeeper, visit } from "./testing/l4-visit.ts";

const timeout = 30_000;

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
