import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { createTemporaryFolder } from "#shared/store/temporary-folder.ts";
import { buildClientHello } from "../testing/client-hello-bytes.ts";
import { openHostDoor } from "../testing/open-host-door.ts";
import { createTestAuthority } from "../testing/test-authority.ts";
import { runOpenssl, skipWithoutOpenssl } from "../testing/openssl-client.ts";
import { openTls, takeTicket, visitTls } from "../testing/tls-visit.ts";
import { createTicketKeys } from "./ticket-keys.ts";

const authority = await createTestAuthority();
const [a, b, wildcard] = await Promise.all(["a.test", "b.test", "*.w.test"].map((name) => authority.issue(name)));
assert.ok(a !== undefined && b !== undefined && wildcard !== undefined);
const ca = authority.rootPem;
const isDeno = "Deno" in globalThis;
const skipForeignKeys = isDeno && "Deno has one ticket key of its own for all servers of a process";
const secret = Buffer.alloc(32, 1);
const eventually = (probe: () => boolean) =>
  waitUntil(() => probe() || undefined, { action: "see it", timeoutMs: 20_000, intervalMs: 5 });

test(
  "X8: a ticket is resumed under its own name only, and carries no early data",
  { skip: skipWithoutOpenssl },
  async () => {
    await using folder = await createTemporaryFolder();
    await using door = await openHostDoor();
    const path = join(folder.path, "session.pem");
    const both = await authority.issue("a.test", { alsoFor: ["b.test"] });
    for (const name of ["a.test", "b.test"]) door.hosts.set(name, both);
    const first = await runOpenssl(door.port, "a.test", "-sess_out", path);
    assert.match(first, /^New, TLSv1.3/m);
    assert.match(first, /Max Early Data: 0/);
    assert.match(await runOpenssl(door.port, "b.test", "-sess_in", path), /^New, TLSv1.3/m);
    assert.match(await runOpenssl(door.port, "a.test", "-sess_in", path), /^Reused, TLSv1.3/m);
    assert.deepEqual(door.secured.map(({ isResumed }) => isResumed), [false, false, true]);
  },
);

test("X8, D2: a ticket of a.test is never resumed at b.test, even with one certificate for both", async () => {
  const both = await authority.issue("a.test", { alsoFor: ["b.test"] });
  for (const material of [b, both]) {
    await using door = await openHostDoor();
    door.hosts.set("a.test", both);
    door.hosts.set("b.test", material);
    const session = await takeTicket({ port: door.port, ca, servername: "a.test" });
    const other = await visitTls({ port: door.port, ca, servername: "b.test", session });
    assert.equal(other.isResumed, false);
    assert.deepEqual(door.secured.map(({ isResumed }) => isResumed), [false, false]);
  }
});

test(
  "X8: a ticket outlives a restart and a new certificate, and is good at every worker",
  { skip: skipForeignKeys },
  async () => {
    const ticketKeys = createTicketKeys({ secret });
    const newer = await authority.issue("a.test");
    await using one = await openHostDoor({ ticketKeys });
    await using other = await openHostDoor({ ticketKeys: createTicketKeys({ secret }) });
    one.hosts.set("a.test", a);
    other.hosts.set("a.test", newer);
    const session = await takeTicket({ port: one.port, ca, servername: "a.test" });
    assert.equal((await visitTls({ port: other.port, ca, servername: "a.test", session })).isResumed, true);
  },
);

test("X8: a ticket of an earlier epoch costs a full handshake", { skip: skipForeignKeys }, async () => {
  let nowMs = Date.now();
  await using door = await openHostDoor({ ticketKeys: createTicketKeys({ secret, now: () => nowMs }) });
  door.hosts.set("a.test", a);
  const session = await takeTicket({ port: door.port, ca, servername: "a.test" });
  nowMs += 86_400_000;
  assert.equal((await visitTls({ port: door.port, ca, servername: "a.test", session })).isResumed, false);
});

test("X5: h2 is picked before http/1.1, http/1.1 without ALPN, and no overlap is alert 120", async () => {
  await using door = await openHostDoor({ alpn: ["h2", "http/1.1"] });
  door.hosts.set("a.test", a);
  const visit = (ALPNProtocols?: string[]) =>
    visitTls({ port: door.port, ca, servername: "a.test", ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }) });
  assert.equal((await visit(["http/1.1", "h2"])).protocol, "h2");
  assert.equal((await visit(["http/1.1"])).protocol, "http/1.1");
  await visit();
  assert.deepEqual(door.secured.map(({ protocol }) => protocol), ["h2", "http/1.1", "http/1.1"]);
  await assert.rejects(visit(["spdy/3"]), { code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" });
  await eventually(() => door.faults.includes("a.test alpn"));
});

test("a client that names ChaCha20 first gets it, others get AES-128", {
  skip: skipWithoutOpenssl || isDeno && "Deno takes no list of ciphers",
}, async () => {
  await using door = await openHostDoor();
  door.hosts.set("a.test", a);
  const weak = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
  assert.match(await runOpenssl(door.port, "a.test", "-ciphersuites", weak), /Cipher is TLS_CHACHA20_POLY1305_SHA256/);
  assert.match(await runOpenssl(door.port, "a.test"), /Cipher is TLS_AES_128_GCM_SHA256/);
});

test("X6: a TLS 1.2 handshake is refused", async () => {
  await using door = await openHostDoor();
  door.hosts.set("a.test", a);
  await assert.rejects(visitTls({ port: door.port, ca, servername: "a.test", maxVersion: "TLSv1.2" }), {
    code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  });
  await eventually(() => door.faults.includes("a.test version"));
});

test("LIM2: a handshake that does not end is cut, however slowly its bytes drip", async () => {
  await using door = await openHostDoor({ handshakeMs: 300 });
  door.hosts.set("a.test", a);
  const share = Buffer.concat([Buffer.from([0, 36, 0, 29, 0, 32]), Buffer.alloc(32, 9)]);
  const algorithms = Buffer.from([0, 2, 4, 3]);
  const socket = connectTcp(door.port, "127.0.0.1");
  socket.on("error", () => socket.destroy()).on("data", () => undefined);
  socket.write(buildClientHello({
    names: ["a.test"],
    extensions: [[10, Buffer.from([0, 2, 0, 29])], [13, algorithms], [51, share]],
  }));
  socket.write(Buffer.from([23, 3, 3, 1, 0]));
  const drip = setInterval(() => socket.write(Buffer.of(0)), 20);
  try {
    await once(socket, "close");
  } finally {
    clearInterval(drip);
  }
  await eventually(() => door.faults.includes("a.test timeout"));
});

test("X7: wildcard names: the server says which name the client asked for", async () => {
  await using door = await openHostDoor({ routeOf: () => "*.w.test" });
  door.hosts.set("*.w.test", wildcard);
  await visitTls({ port: door.port, ca, servername: "one.w.test" });
  assert.deepEqual(door.secured.map(({ serverName }) => serverName), ["one.w.test"]);
});

test("X11: a new certificate is shown from the next handshake on, open connections live on", async () => {
  await using door = await openHostDoor();
  door.hosts.set("a.test", a);
  const socket = await openTls({ port: door.port, ca, servername: "a.test" });
  const before = socket.getPeerCertificate().serialNumber;
  door.hosts.set("a.test", await authority.issue("a.test"));
  assert.notEqual((await visitTls({ port: door.port, ca, servername: "a.test" })).serialNumber, before);
  door.hosts.delete("a.test");
  await assert.rejects(visitTls({ port: door.port, ca, servername: "a.test" }));
  socket.write("still here");
  const [chunk] = await once(socket, "data");
  assert.equal(String(chunk), "still here");
  socket.destroy();
});

test("X11: 1,000 swaps under load fail no handshake", async () => {
  await using door = await openHostDoor();
  const pair = [a, await authority.issue("a.test")];
  door.hosts.set("a.test", a);
  let swaps = 0;
  const visitAll = async () => {
    while (swaps < 1_000) {
      const [next] = pair.splice(0, 1);
      if (next !== undefined) pair.push(next);
      for (let times = 0; times < 10; times += 1) door.hosts.set("a.test", next ?? a);
      swaps += 10;
      await visitTls({ port: door.port, ca, servername: "a.test" });
    }
  };
  await Promise.all([visitAll(), visitAll(), visitAll(), visitAll()]);
  assert.ok(swaps >= 1_000);
  assert.deepEqual(door.faults, []);
});

test("createHostServers() makes servers on first use and keeps the ones that were used last", async () => {
  await using door = await openHostDoor({ maxReady: 2 });
  for (const name of ["one.test", "two.test", "three.test"]) door.hosts.set(name, await authority.issue(name));
  assert.equal(door.hosts.ready, 0);
  for (const servername of ["one.test", "two.test", "one.test", "three.test", "two.test"]) {
    await visitTls({ port: door.port, ca, servername });
    assert.ok(door.hosts.ready <= 2);
  }
  door.hosts.delete("two.test");
  assert.equal(door.hosts.ready, 1);
});

test(
  "a client that goes away in its handshake is counted as closed",
  { skip: isDeno && "Deno tells nobody" },
  async () => {
    await using door = await openHostDoor();
    door.hosts.set("a.test", a);
    const socket = connect({ host: "127.0.0.1", port: door.port, servername: "a.test", ca });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    const raw = connectTcp(door.port, "127.0.0.1");
    raw.on("error", () => undefined);
    raw.write(buildClientHello({ names: ["a.test"] }), () => raw.resetAndDestroy());
    socket.destroy();
    await eventually(() => door.faults.length > 0);
  },
);
