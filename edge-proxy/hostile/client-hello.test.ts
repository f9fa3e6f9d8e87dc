import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import type { ProxyLimits } from "../limits.ts";
import { openChaosRelay } from "../testing/chaos-relay.ts";
import { buildClientHello, type HelloParts, toRecords } from "../testing/client-hello-bytes.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { alertIn, connectRaw, sendRaw } from "../testing/raw-client.ts";
import { buildServableHello } from "../testing/servable-hello.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend, startTcpBackend, startTlsBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";
import { whenIdle } from "../testing/when-idle.ts";

const isDeno = process.versions["deno"] !== undefined;
const timeout = 60_000;

/** One HTTP/1.1 answer over TLS, for backends that no HTTP server stands behind. */
const page = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

async function openBoth(
  limits: Partial<ProxyLimits> = {},
): Promise<TestProxy & { readonly l7: AsyncDisposable; readonly l4: AsyncDisposable }> {
  const fixture = await openTestProxy({ limits });
  const l7 = await startHttpBackend((_request, response) => void response.end("ok"));
  const material = await fixture.authority.issue("l4.test");
  const l4 = await startTlsBackend(material, (socket) => void socket.once("data", () => socket.end(page)));
  await fixture.serve(
    routeTo("l7.test", "l7", backendAt(l7.port)),
    routeTo("l4.test", "l4", backendAt(l4.port, "raw-1")),
  );
  return {
    ...fixture,
    l7,
    l4,
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await l7[Symbol.asyncDispose]();
      await l4[Symbol.asyncDispose]();
    },
  };
}

test("X1: the hello of a real client is read from packets of any size", { timeout }, async () => {
  await using fixture = await openBoth();
  for (const pieceBytes of [1, 2, 5, 6, 43, 517, 1_399, 1_400]) {
    await using relay = await openChaosRelay(fixture.proxy.port, { pieceBytes });
    for (const hostname of ["l7.test", "l4.test"]) {
      const answer = await ask({ ...targetOf(fixture, hostname), port: relay.port });
      assert.deepEqual([answer.status, answer.body], [200, "ok"], `${hostname} in packets of ${pieceBytes} bytes`);
    }
  }
});

test("X1: the hello of a real client is read from records of any size", { timeout }, async () => {
  await using fixture = await openBoth();
  for (const recordBytes of [4, 5, 64, 511, 1_200]) {
    await using relay = await openChaosRelay(fixture.proxy.port, { recordBytes });
    for (const hostname of ["l7.test", "l4.test"]) {
      const answer = await ask({ ...targetOf(fixture, hostname), port: relay.port });
      assert.deepEqual([answer.status, answer.body], [200, "ok"], `${hostname} in records of ${recordBytes} bytes`);
    }
  }
});

const named: HelloParts = { names: ["l7.test"] };
const long = (length: number) => `${"a.".repeat(length)}`.slice(0, length - 2) + ".b";
const refusals: readonly [string, Uint8Array, number | "reset"][] = [
  ["X1: a record above 2^14", Buffer.from("1603014001", "hex"), 50],
  ["X1: an empty handshake record", Buffer.from("1603010000", "hex"), 50],
  ["X1: a record of application data", Buffer.from("170303000100", "hex"), "reset"],
  ["X1: a handshake message that is no hello", toRecords(Buffer.from("0200000100", "hex"), 99), 10],
  ["X1: a length of 17 KiB", toRecords(Buffer.from("01004400", "hex"), 99), 50],
  [
    "X1: bytes behind the last extension",
    toRecords(Buffer.concat([buildClientHello(named).subarray(5), Buffer.of(0)]), 16_384),
    50,
  ],
  ["X1: a doubled extension", buildClientHello({ ...named, extensions: [[9, Buffer.of(0)], [9, Buffer.of(0)]] }), 47],
  ["X1: two names", buildClientHello({ names: ["l7.test", "l4.test"] }), 47],
  ["X2: a name with an umlaut", buildClientHello({ names: ["lß.test"] }), 47],
  ["X2: a name with a NUL", buildClientHello({ names: ["l7.test\0"] }), 47],
  ["X2: a name with a blank", buildClientHello({ names: ["l7 .test"] }), 47],
  ["X2: an empty name", buildClientHello({ names: [""] }), 47],
  ["X2: a name of 300 bytes", buildClientHello({ names: [long(300)] }), 47],
  ["X2: a name with a trailing dot", buildClientHello({ names: ["l7.test."] }), 112],
  ["X2, X3: an IPv4 address, which is no name", buildClientHello({ names: ["127.0.0.1"] }), 109],
  ["X2, X3: an IPv6 address, which is no name", buildClientHello({ names: ["::1"] }), 109],
  ["X3: no name", buildClientHello({}), 109],
  ["X3: an unknown name", buildClientHello({ names: ["other.test"] }), 112],
  ["X3: an unknown name under a known one", buildClientHello({ names: ["x.l7.test"] }), 112],
  ["X6: TLS 1.2", buildClientHello({ ...named, versions: [0x0303] }), 70],
  ["X6: TLS 1.2 without the extension that names versions", buildClientHello({ ...named, versions: [] }), 70],
  ["X6: TLS 1.2 behind GREASE", buildClientHello({ ...named, versions: [0x5a5a, 0x0303, 0x0302] }), 70],
  ["X6: SSLv2", Buffer.from("802e010002001500000010010080", "hex"), "reset"],
  ["X6: plain HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: l7.test\r\n\r\n"), "reset"],
];

test("X3: who asks for nothing that is served gets an alert or a reset, and nothing else", { timeout }, async (t) => {
  await using fixture = await openBoth();
  for (const [what, bytes, expected] of refusals) {
    await t.test(what, { timeout: 10_000 }, async () => {
      const ending = await sendRaw(fixture.proxy.port, bytes);
      if (expected === "reset") assert.deepEqual([ending.bytes.length, ending.kind], [0, "reset"]);
      else assert.equal(alertIn(ending.bytes), expected, ending.bytes.toString("hex"));
    });
  }
  await whenIdle(fixture);
});

test("X2: names are matched in any case, and as the A-labels that clients send", { timeout }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("xn--bcher-kva.test", "l7", backendAt(backend.port)));
  const socket = connect({
    host: "127.0.0.1",
    port: fixture.proxy.port,
    servername: "XN--Bcher-KVA.test",
    ca: fixture.authority.rootPem,
    checkServerIdentity: () => undefined,
  });
  await once(socket, "secureConnect");
  assert.equal(socket.authorized, true);
  socket.destroy();
});

test("X4: GREASE and an encrypted hello change nothing, and pass an L4 route untouched", { timeout }, async () => {
  const hello = buildClientHello({
    names: ["l4.test"],
    alpn: [Buffer.of(0xca, 0xca), "h2"],
    versions: [0x7a7a, 0x0304],
    extensions: [[0x8a8a, Buffer.of(0)], [0xfe0d, Buffer.alloc(300, 9)], [0x2a2a, Buffer.alloc(0)]],
  });
  const received = Promise.withResolvers<Buffer>();
  await using backend = await startTcpBackend((socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      if (all.length >= hello.length) received.resolve(all);
      socket.end();
    });
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("l4.test", "l4", backendAt(backend.port)));
  await sendRaw(fixture.proxy.port, hello);
  assert.deepEqual(await received.promise, hello);
});

/** Handshake messages in the clear that are ClientHellos, by their record headers. */
function countHellos(bytes: Buffer): number {
  let hellos = 0;
  for (let at = 0; at + 6 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 22 && bytes[at + 5] === 1) hellos += 1;
  }
  return hellos;
}

test("X12: a second hello passes an L4 route", {
  timeout,
  skip: isDeno && "TLS of Deno takes no list of curves, so that no second hello can be asked for",
}, async () => {
  await using fixture = await openTestProxy();
  const { chainPem: cert, keyPem: key } = await fixture.authority.issue("l4.test");
  // The client offers no share of this curve in its first hello.
  const server = createServer({ cert, key, ecdhCurve: "P-521" }, (socket) => void socket.end("hello"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  await fixture.serve(routeTo("l4.test", "l4", backendAt(address.port)));
  await using relay = await openChaosRelay(fixture.proxy.port);
  const socket = connect({ host: "127.0.0.1", port: relay.port, servername: "l4.test", ca: fixture.authority.rootPem });
  const [greeting] = await once(socket, "data");
  assert.equal(String(greeting), "hello");
  assert.equal(countHellos(relay.fromClient()), 2);
  socket.destroy();
  server.close();
});

test("X12: a second hello cannot change the name", {
  timeout,
  skip: isDeno && "TLS of Deno refuses a hello without key shares",
}, async () => {
  await using fixture = await openBoth({ handshakeMs: 500 });
  const socket = await connectRaw(fixture.proxy.port);
  socket.write(buildServableHello("l7.test", false));
  const [retry] = await once(socket, "data");
  assert.equal(retry[0], 22);
  socket.write(buildServableHello("l4.test"));
  // OpenSSL goes on with its flight; whatever name it took, everything here goes by the first one.
  await once(socket, "data");
  socket.destroy();
  await whenIdle(fixture);
  const failures = fixture.metrics.render().split("\n").filter((line) => /handshake_errors.*[1-9]$/.test(line));
  assert.equal(failures.length, 1, failures.join("\n"));
  assert.match(failures[0] ?? "", /"l7\.test"/);
});
