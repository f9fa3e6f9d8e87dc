import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, integer, oneof, property, uint8Array } from "fast-check";
import { buildClientHello, toRecords } from "../testing/client-hello-bytes.ts";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { connectRaw, readEnding } from "../testing/raw-client.ts";
import { buildServableHello } from "../testing/servable-hello.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask, connectTls } from "../testing/test-client.ts";
import { assertNoLoad, createKeptLog } from "../testing/when-idle.ts";
import { createClientHelloReader } from "../tls/client-hello.ts";

const hellos = [
  buildClientHello({ names: ["a.test"], alpn: ["h2", "http/1.1"] }),
  buildClientHello({ names: ["a.test"], extensions: [[0x2a2a, Buffer.alloc(0)], [51, Buffer.alloc(1_216)]] }),
  buildClientHello({ names: ["a.test"], recordBytes: 40 }),
  buildServableHello("a.test"),
];
/** Where and with what a hello is changed: a byte is set, taken out, or doubled. */
const changes = array(
  integer({ min: 0, max: 0x7fff_ffff }).map((seed) => ({ at: seed >>> 10, value: seed & 255, kind: (seed >> 8) & 3 })),
  { minLength: 1, maxLength: 6 },
);

function mutate(base: Buffer, steps: readonly { at: number; value: number; kind: number }[]): Buffer {
  let bytes = Buffer.from(base);
  for (const { at, value, kind } of steps) {
    const index = at % bytes.length;
    if (kind < 2) bytes[index] = value;
    else {
      const end = kind === 2 ? index + 1 : index;
      bytes = Buffer.concat([bytes.subarray(0, index), bytes.subarray(end, end + 1), bytes.subarray(end)]);
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

const garbage = oneof(
  uint8Array({ maxLength: 300 }),
  uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => toRecords(bytes, 64)),
  changes.map((steps) => mutate(hellos[(steps[0]?.at ?? 0) % hellos.length] ?? Buffer.alloc(0), steps)),
);

test(`X1: ${fuzzRuns} ClientHellos of random and changed bytes are read or refused, in any pieces`, {
  timeout: 300_000,
}, () => {
  check(
    property(garbage, integer({ min: 1, max: 400 }), (bytes, pieceBytes) => {
      const reader = createClientHelloReader();
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const result = reader.push(bytes.subarray(at, at + pieceBytes));
        if (result.kind === "hello" && result.serverName !== undefined) {
          assert.match(result.serverName, /^[a-z0-9._-]{1,254}$/);
        }
        if (result.kind !== "incomplete") return;
      }
    }),
    { numRuns: fuzzRuns },
  );
});

/** Connections with garbage; fewer than inputs of the parser, since each takes a handshake's time. */
const connections = 500;
const atOnce = 25;

async function openFixture(): Promise<TestProxy & { readonly errors: () => string[] }> {
  const kept = createKeptLog();
  const limits = { firstByteMs: 300, clientHelloMs: 300, handshakeMs: 300, requestHeadMs: 300, clientKeepAliveMs: 300 };
  return { ...await openTestProxy({ limits, log: kept.log }), errors: kept.errors };
}

function samples(): Uint8Array[] {
  const all: Uint8Array[] = [];
  check(property(garbage, (bytes) => void all.push(bytes)), { numRuns: connections });
  return all;
}

async function inBatches(all: readonly Uint8Array[], visit: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) await Promise.all(all.slice(at, at + atOnce).map(visit));
}

test(`${connections} connections of garbage leave no socket, and others are served`, { timeout: 120_000 }, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openFixture();
  await fixture.serve(
    routeTo("a.test", "l7", backendAt(backend.port)),
    routeTo("b.test", "l4", backendAt(backend.port)),
  );
  await inBatches(samples(), async (bytes) => {
    const socket = await connectRaw(fixture.proxy.port);
    const ending = readEnding(socket);
    // Half of them say that nothing else comes.
    if (bytes.length % 2 === 0) socket.end(bytes);
    else socket.write(bytes);
    await ending;
  });
  assert.equal((await ask(targetOf(fixture))).body, "ok");
  await assertNoLoad(fixture);
  assert.deepEqual(fixture.errors(), []);
});

test(`${connections} connections of garbage inside TLS leave no socket, and others are served`, {
  timeout: 120_000,
}, async () => {
  await using backend = await startHttpBackend((_request, response) => void response.end("ok"));
  await using fixture = await openFixture();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  await inBatches(samples(), async (bytes) => {
    const socket = await connectTls(targetOf(fixture));
    const closed = Promise.withResolvers<void>();
    socket.on("error", () => socket.destroy()).on("end", () => socket.destroy()).on("close", () => closed.resolve());
    socket.resume().write(bytes);
    await closed.promise;
  });
  assert.equal((await ask(targetOf(fixture))).body, "ok");
  await assertNoLoad(fixture);
  assert.deepEqual(fixture.errors(), []);
});
