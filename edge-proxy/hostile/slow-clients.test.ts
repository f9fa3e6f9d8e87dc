import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import type { ProxyLimits } from "../limits.ts";
import { buildClientHello } from "../testing/client-hello-bytes.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { connectRaw } from "../testing/raw-client.ts";
import { buildServableHello } from "../testing/servable-hello.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask, connectTls } from "../testing/test-client.ts";
import { assertNoLoad, createKeptLog } from "../testing/when-idle.ts";

const limits: Partial<ProxyLimits> = {
  firstByteMs: 1_000,
  clientHelloMs: 1_000,
  handshakeMs: 1_000,
  requestHeadMs: 1_000,
  requestBodyIdleMs: 1_000,
  responseBodyIdleMs: 1_000,
  clientKeepAliveMs: 1_000,
  streamIdleMs: 1_000,
  backendKeepAliveMs: 200,
};
/** How long others may wait while slow clients hang on: far below the limits that would cut themselves. */
const servedWithinMs = 3_000;
const clientsOfAKind = 40;
const isDeno = process.versions["deno"] !== undefined;
const hello = buildClientHello({ names: ["a.test"] });
const head = "POST / HTTP/1.1\r\nHost: a.test\r\nX-Long: ";

/** Sends one byte after the other until the connection is gone. */
function drip(socket: Socket, bytes: Uint8Array | string): void {
  const all = Buffer.from(bytes);
  let at = 0;
  const timer = setInterval(() => {
    if (!socket.writable) return clearInterval(timer);
    socket.write(Buffer.of(all[at % all.length] ?? 0));
    at += 1;
  }, 50);
  socket.on("close", () => clearInterval(timer));
}

async function openTls(fixture: TestProxy, begin: (socket: Socket) => void): Promise<Socket> {
  const socket = await connectTls(targetOf(fixture));
  socket.on("error", () => socket.destroy()).on("end", () => socket.destroy());
  begin(socket);
  return socket;
}

async function openTcp(fixture: TestProxy, begin: (socket: Socket) => void): Promise<Socket> {
  const socket = await connectRaw(fixture.proxy.port);
  socket.on("end", () => socket.destroy()).resume();
  begin(socket);
  return socket;
}

const kinds: Readonly<Record<string, (fixture: TestProxy) => Promise<Socket>>> = {
  "LIM1: says nothing": (fixture) => openTcp(fixture, () => {}),
  "LIM1: drips its hello": (fixture) => openTcp(fixture, (socket) => drip(socket, hello)),
  "LIM2: never ends its handshake": (fixture) =>
    openTcp(fixture, (socket) => void socket.write(buildServableHello("a.test"))),
  "LIM3: drips its head": (fixture) =>
    openTls(fixture, (socket) => {
      socket.resume();
      drip(socket, head + "x".repeat(10_000));
    }),
  "LIM3: stops in its head": (fixture) => openTls(fixture, (socket) => void socket.resume().write(head)),
  "LIM4: stops in its body": (fixture) =>
    openTls(
      fixture,
      (socket) => void socket.resume().write("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nabc"),
    ),
  "LIM4: stops in a chunk": (fixture) =>
    openTls(
      fixture,
      (socket) =>
        void socket.resume().write("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"),
    ),
  "LIM6: asks for nothing": (fixture) => openTls(fixture, (socket) => void socket.resume()),
  "LIM8: does not read its response": (fixture) =>
    openTls(fixture, (socket) => void socket.pause().write("GET /much HTTP/1.1\r\nHost: a.test\r\n\r\n")),
};

function startBackend() {
  const piece = Buffer.alloc(256 * 1024);
  return startHttpBackend((request, response) => {
    if (request.url !== "/much") return void request.on("end", () => response.end("ok")).resume();
    const send = () => {
      while (!response.destroyed && response.write(piece)) continue;
    };
    response.on("drain", send);
    send();
  });
}

for (const [what, open] of Object.entries(kinds)) {
  test(`${what}: such clients are cut in time, and others are served meanwhile`, {
    timeout: 60_000,
    skip: isDeno && what.startsWith("LIM8") && "clients that run on Deno read on when they are paused",
  }, async () => {
    const kept = createKeptLog();
    await using backend = await startBackend();
    await using fixture = await openTestProxy({ limits, log: kept.log });
    await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
    const clients = await Promise.all(Array.from({ length: clientsOfAKind }, () => open(fixture)));
    const isGone = (socket: Socket) => socket.closed || socket.destroyed;
    let slowestMs = 0;
    await waitUntil(async () => {
      const startedAt = performance.now();
      assert.equal((await ask(targetOf(fixture))).status, 200);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      // A paused client hears of its end only once it reads.
      const { openConnections } = await fixture.proxy.plane.facts();
      return clients.every(isGone) || openConnections <= 1 || undefined;
    }, { action: `see clients cut that are slow (${what})`, timeoutMs: 15_000 });
    assert.ok(slowestMs < servedWithinMs, `others waited for ${Math.round(slowestMs)} ms`);
    for (const client of clients) client.destroy();
    await assertNoLoad(fixture);
    assert.deepEqual(kept.errors(), []);
  });
}

const skipWithoutSlowhttptest = spawnSync("slowhttptest", ["-h"]).error === undefined
  ? false
  : "slowhttptest is not installed";
const attacks = {
  "slow heads": ["-H", "-x", "24", "-i", "1"],
  "slow bodies": ["-B", "-s", "8192", "-t", "POST", "-x", "10", "-i", "2"],
} as const;

for (const [what, flags] of Object.entries(attacks)) {
  test(`slowhttptest finds all ${what} cut, and the service available`, {
    timeout: 60_000,
    skip: skipWithoutSlowhttptest,
  }, async () => {
    await using backend = await startBackend();
    // It sends no name with TLS.
    await using fixture = await openTestProxy({ limits, settings: { defaultHostname: "localhost" } });
    await fixture.serve(routeTo("localhost", "l7", backendAt(backend.port)));
    const url = `https://localhost:${fixture.proxy.port}/`;
    const program = spawn("slowhttptest", ["-c", "100", "-r", "100", "-l", "20", "-p", "3", ...flags, "-u", url]);
    let output = "";
    program.stdout.on("data", (chunk) => void (output += String(chunk)));
    program.stderr.on("data", (chunk) => void (output += String(chunk)));
    await once(program, "close");
    assert.match(output, /No open connections left/);
    assert.doesNotMatch(output, /service available:\D*NO/);
    await assertNoLoad(fixture);
  });
}
