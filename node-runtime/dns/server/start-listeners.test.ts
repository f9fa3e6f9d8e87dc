import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { silentLog } from "#shared/log/log.ts";
import { exampleZones } from "../testing/example-zone.ts";
import { buildQuery, readReply } from "../testing/messages.ts";
import { concatBytes } from "../wire/record.ts";
import { createFrameSplitter, frameMessage } from "../wire/frame-splitter.ts";
import { createZoneTable } from "../zones/zone-table.ts";
import { createDnsMetrics } from "./metrics.ts";
import { createResponder, type Responder } from "./responder.ts";
import { startListeners } from "./start-listeners.ts";
import { defaultTcpLimits, type TcpLimits } from "./tcp-server.ts";

const loopback = { address: "127.0.0.1", port: 0 };

async function startServer(
  t: TestContext,
  options: { readonly limits?: Partial<TcpLimits>; readonly responder?: Responder } = {},
) {
  const zones = createZoneTable();
  zones.replace(exampleZones());
  const metrics = createDnsMetrics();
  const own = createResponder({ zones, forwarder: undefined, mayForward: () => true, metrics, log: silentLog });
  const tcpLimits = { ...defaultTcpLimits, ...options.limits };
  const listeners = await startListeners({
    endpoints: [loopback],
    responder: options.responder ?? own,
    metrics,
    tcpLimits,
  });
  t.after(() => listeners[Symbol.asyncDispose]());
  return { port: listeners.endpoints[0]?.port ?? 0, metrics };
}

async function openConnection(t: TestContext, port: number, allowHalfOpen = true): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen });
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The next `count` messages of a connection. */
async function readMessages(socket: Socket, count: number): Promise<Uint8Array[]> {
  const splitter = createFrameSplitter();
  const messages: Uint8Array[] = [];
  const done = Promise.withResolvers<void>();
  const onData = (chunk: Uint8Array) => {
    messages.push(...splitter.push(chunk));
    if (messages.length >= count) done.resolve();
  };
  socket.on("data", onData);
  socket.once("close", () => done.resolve());
  await done.promise;
  socket.off("data", onData);
  return messages;
}

test("startListeners() answers over TCP wherever a frame is split", { timeout: 20_000 }, async (t) => {
  const { port } = await startServer(t);
  const socket = await openConnection(t, port);
  const frame = frameMessage(buildQuery());
  for (let cut = 1; cut < frame.length; cut++) {
    const answer = readMessages(socket, 1);
    socket.write(frame.subarray(0, cut));
    await nextTurn();
    socket.write(frame.subarray(cut));
    assert.equal(readReply((await answer)[0]).answers.length, 1, `cut at ${cut}`);
  }
});

test("startListeners() answers pipelined queries in one chunk, and a client that has closed its side", {
  timeout: 20_000,
}, async (t) => {
  const { port } = await startServer(t);
  const socket = await openConnection(t, port);
  const closed = once(socket, "end");
  const frames = Array.from({ length: 500 }, (_, id) => frameMessage(buildQuery({ id, name: `n${id}.wild.ex.test` })));
  const answers = readMessages(socket, 500);
  socket.end(concatBytes(frames));
  const ids = (await answers).map((message) => readReply(message).id);
  assert.deepEqual(ids.sort((a, b) => a - b), Array.from({ length: 500 }, (_, id) => id));
  await closed;
});

test(
  "startListeners() answers as soon as it can, not in the order of the questions",
  { timeout: 20_000 },
  async (t) => {
    const slow = Promise.withResolvers<Uint8Array>();
    const echo = (bytes: Uint8Array) => Uint8Array.from(bytes);
    const responder: Responder = { respond: (bytes) => bytes[1] === 1 ? slow.promise : echo(bytes) };
    const { port } = await startServer(t, { responder });
    const socket = await openConnection(t, port);
    const first = readMessages(socket, 1);
    socket.end(concatBytes([frameMessage(Uint8Array.of(0, 1)), frameMessage(Uint8Array.of(0, 2))]));
    assert.equal((await first)[0]?.[1], 2);
    const second = readMessages(socket, 1);
    slow.resolve(Uint8Array.of(0, 1));
    assert.equal((await second)[0]?.[1], 1);
  },
);

test(
  "startListeners() looks up a bounded number of queries of one connection at a time",
  { timeout: 20_000 },
  async (t) => {
    const gates: PromiseWithResolvers<Uint8Array>[] = [];
    const responder: Responder = {
      respond() {
        const gate = Promise.withResolvers<Uint8Array>();
        gates.push(gate);
        return gate.promise;
      },
    };
    const { port } = await startServer(t, { responder, limits: { maxInFlight: 2 } });
    const socket = await openConnection(t, port);
    const answers = readMessages(socket, 5);
    socket.write(concatBytes(Array.from({ length: 5 }, () => frameMessage(buildQuery()))));
    for (let answered = 0; answered < 5; answered++) {
      while (gates.length <= answered) await nextTurn();
      assert.ok(gates.length <= answered + 2);
      gates[answered]?.resolve(Uint8Array.of(answered));
    }
    assert.equal((await answers).length, 5);
  },
);

test("startListeners() closes connections that are idle or stop within a frame", { timeout: 20_000 }, async (t) => {
  const idle = await startServer(t, { limits: { idleTimeoutMs: 30 } });
  await once((await openConnection(t, idle.port, false)).resume(), "close");
  const half = await startServer(t, { limits: { frameTimeoutMs: 30 } });
  const socket = await openConnection(t, half.port, false);
  socket.write(Uint8Array.of(0));
  await once(socket.resume(), "close");
});

test("startListeners() refuses connections above its bounds", { timeout: 20_000 }, async (t) => {
  for (const limits of [{ maxConnections: 1 }, { maxConnectionsPerAddress: 1 }]) {
    const { port, metrics } = await startServer(t, { limits });
    const first = await openConnection(t, port);
    const second = connect({ port, host: "127.0.0.1" });
    second.on("error", () => undefined);
    await once(second.resume(), "close");
    assert.match(await metrics.registry.metrics(), /dns_dropped_total\{transport="tcp",reason="connections"\} 1/);
    const answer = readMessages(first, 1);
    first.write(frameMessage(buildQuery()));
    assert.equal(readReply((await answer)[0]).rcode, "NOERROR");
  }
});

test(
  "startListeners() answers many UDP queries at a time and drops what must not be answered",
  { timeout: 20_000 },
  async (t) => {
    const { port } = await startServer(t);
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    const ids = new Set<number>();
    const done = Promise.withResolvers<void>();
    socket.on("message", (bytes) => {
      assert.equal(readReply(bytes).rcode, "NOERROR");
      ids.add(readReply(bytes).id);
      if (ids.size === 100) done.resolve();
    });
    socket.send(buildQuery({ id: 9_999, flags: 0x8000 }), port, "127.0.0.1");
    socket.send(Uint8Array.of(1, 2, 3), port, "127.0.0.1");
    for (let id = 0; id < 100; id++) {
      socket.send(
        buildQuery({ id, name: `n${id % 7}.wild.ex.test` }),
        port,
        "127.0.0.1",
      );
    }
    await done.promise;
    assert.ok(!ids.has(9_999));
  },
);

test("startListeners() says which port is taken", async (t) => {
  const server = createServer();
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const metrics = createDnsMetrics();
  const responder: Responder = { respond: () => undefined };
  await assert.rejects(
    startListeners({ endpoints: [{ address: "127.0.0.1", port }], responder, metrics }),
    (error: unknown) =>
      error instanceof PlatformError && error.code === "unavailable" && error.message.includes(String(port)),
  );
});
