import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import type { Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { isHttp2Offered } from "../http2/is-http2-offered.ts";
import type { ProxyLimits } from "../limits.ts";
import { type ChaosRelay, type Cut, openChaosRelay } from "../testing/chaos-relay.ts";
import { buildClientHello } from "../testing/client-hello-bytes.ts";
import { backendAt, openTestProxy, routeTo, type TestProxy } from "../testing/open-test-proxy.ts";
import { connectRaw } from "../testing/raw-client.ts";
import { targetOf } from "../testing/target-of.ts";
import { startTcpBackend, type TestBackend } from "../testing/test-backend.ts";
import { ask } from "../testing/test-client.ts";
import { assertNoLoad, createKeptLog, type KeptLog } from "../testing/when-idle.ts";

const timeout = 60_000;
const cuts: readonly Cut[] = ["reset", "close", "end"];
/** Short, so that a peer that stays half-open is seen to go. */
const limits: Partial<ProxyLimits> = {
  firstByteMs: 300,
  clientHelloMs: 400,
  handshakeMs: 400,
  requestHeadMs: 400,
  requestBodyIdleMs: 400,
  connectMs: 400,
  responseHeadMs: 800,
  responseBodyIdleMs: 400,
  streamIdleMs: 400,
  clientKeepAliveMs: 400,
  backendKeepAliveMs: 100,
};

/** Everything that a departure needs. */
interface Stage {
  readonly fixture: TestProxy;
  readonly relay: ChaosRelay;
  readonly backend: TestBackend;
  /** Resolves with the backend's side of the next connection that has sent something. */
  reached(): Promise<Socket>;
}

async function openStage(mode: "l4" | "l7", run: (stage: Stage, kept: KeptLog) => Promise<void>): Promise<void> {
  const kept = createKeptLog();
  let reach = Promise.withResolvers<Socket>();
  await using backend = await startTcpBackend((socket) =>
    void socket.on("data", () => {
      reach.resolve(socket);
    }).on("end", () => socket.end())
  );
  await using fixture = await openTestProxy({ limits, log: kept.log });
  await fixture.serve(routeTo("a.test", mode, backendAt(backend.port)));
  await using relay = await openChaosRelay(fixture.proxy.port);
  const reached = async () => {
    const socket = await reach.promise;
    reach = Promise.withResolvers();
    return socket;
  };
  await run({ fixture, relay, backend, reached }, kept);
  relay.cut("close");
  await assertNoLoad(fixture);
  await waitUntil(() => backend.open() === 0 || undefined, { action: "see the backend alone", timeoutMs: 10_000 });
  assert.deepEqual(kept.errors(), []);
}

/** A TLS client through the relay that sends `bytes`; it may fail at any time. */
async function openClient({ relay, fixture }: Stage, bytes: string): Promise<TLSSocket> {
  const { rootPem: ca, hostname: servername } = targetOf(fixture);
  const client = connectTls({ host: "127.0.0.1", port: relay.port, ca, servername });
  await once(client, "secureConnect");
  client.on("error", () => client.destroy());
  await waitUntil(() => isSettled(fixture), { action: "see the handshake done", timeoutMs: 10_000, intervalMs: 2 });
  client.write(bytes);
  await relayed(relay, relay.fromClient().length + 1);
  return client;
}

/** A client is done with the handshake before the proxy is. */
async function isSettled({ proxy, metrics }: TestProxy): Promise<true | undefined> {
  const { openConnections } = await proxy.plane.facts();
  return openConnections === 1 && /^mc_proxy_unrouted_open 0$/m.test(metrics.render()) || undefined;
}

const post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nabc";
const get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const hello = buildClientHello({ names: ["a.test"] });

/** Brings a connection to where the client departs. */
const stages: Readonly<Record<string, readonly ["l4" | "l7", (stage: Stage) => Promise<unknown>]>> = {
  "before its hello": ["l7", ({ relay }) => connectRaw(relay.port)],
  "in the middle of its hello": ["l7", async ({ relay }) => {
    const client = await connectRaw(relay.port);
    client.write(hello.subarray(0, 60));
    await relayed(relay, 60);
  }],
  "in the middle of the handshake": ["l7", async ({ fixture, relay }) => {
    const { rootPem: ca, hostname: servername } = targetOf(fixture);
    const client = connectTls({ host: "127.0.0.1", port: relay.port, ca, servername });
    client.on("error", () => client.destroy());
    // The relay has the whole hello now; the client's Finished is cut off.
    await relayed(relay, 1);
  }],
  "in the middle of a head": ["l7", (stage) => openClient(stage, get.slice(0, 20))],
  "in the middle of a body": ["l7", async (stage) => {
    await openClient(stage, post);
    await stage.reached();
  }],
  "before its response": ["l7", async (stage) => {
    await openClient(stage, get);
    await stage.reached();
  }],
  "in the middle of a response": ["l7", async (stage) => {
    const client = await openClient(stage, get);
    const backend = await stage.reached();
    backend.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
    await once(client, "data");
  }],
  "in the middle of a response that it does not read": ["l7", async (stage) => {
    const client = await openClient(stage, get);
    client.pause();
    const backend = await stage.reached();
    backend.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    // Until every buffer on the way is full.
    while (backend.write(Buffer.alloc(1 << 20))) continue;
  }],
  "between two requests": ["l7", async (stage) => {
    const client = await openClient(stage, get);
    const backend = await stage.reached();
    backend.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await once(client, "data");
  }],
  "in an upgrade that runs": ["l7", async (stage) => {
    const upgrade = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    const client = await openClient(stage, upgrade);
    const backend = await stage.reached();
    backend.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await once(client, "data");
  }],
  "of an L4 route": ["l4", async (stage) => {
    const client = await connectRaw(stage.relay.port);
    client.write(hello);
    await stage.reached();
  }],
  "of an L4 route whose bytes it does not read": ["l4", async (stage) => {
    const client = await connectRaw(stage.relay.port);
    client.pause();
    client.write(hello);
    const backend = await stage.reached();
    while (backend.write(Buffer.alloc(1 << 20))) continue;
  }],
};

async function relayed(relay: ChaosRelay, bytes: number): Promise<void> {
  const isRelayed = () => relay.fromClient().length >= bytes || undefined;
  await waitUntil(isRelayed, { action: "see bytes relayed", timeoutMs: 5_000, intervalMs: 2 });
}

for (const [where, [mode, bring]] of Object.entries(stages)) {
  for (const cut of cuts) {
    test(`a client that goes away (${cut}) ${where} leaves nothing behind`, { timeout }, async () => {
      await openStage(mode, async (stage) => {
        await bring(stage);
        stage.relay.cut(cut);
        if (cut === "end") await goneWithin(stage);
      });
    });
  }
}

/** A client that has ended its half is not waited for longer than the limits say, and others are served meanwhile. */
async function goneWithin({ fixture }: Stage): Promise<void> {
  const isGone = async () => (await fixture.proxy.plane.facts()).openConnections === 0 || undefined;
  await waitUntil(isGone, { action: "see a half-open client go", timeoutMs: 5_000, intervalMs: 10 });
}

test("a client that goes away in the middle of an HTTP/2 stream leaves nothing behind", {
  timeout,
  skip: !isHttp2Offered() && "HTTP/2 is not offered on Deno",
}, async (t: TestContext) => {
  for (const cut of cuts) {
    await t.test(cut, () =>
      openStage("l7", async (stage) => {
        const { rootPem: ca, hostname } = targetOf(stage.fixture);
        const session = connectHttp2(`https://${hostname}`, {
          createConnection: () =>
            connectTls({ host: "127.0.0.1", port: stage.relay.port, ca, servername: hostname, ALPNProtocols: ["h2"] }),
        });
        session.on("error", () => undefined);
        const stream = session.request({ ":path": "/" });
        stream.on("error", () => undefined).resume();
        const backend = await stage.reached();
        backend.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
        await once(stream, "data");
        stage.relay.cut(cut);
        if (cut === "end") await goneWithin(stage);
        session.destroy();
      }));
  }
});

/** What a backend does to its connection, and what the client may see of it. */
const backendDepartures: readonly [string, (socket: Socket) => void, RegExp][] = [
  ["at the first byte", (socket) => void socket.resetAndDestroy(), /502/],
  ["in the middle of its head", (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Le", () => socket.resetAndDestroy());
  }, /502/],
  ["after an interim response", (socket) => {
    socket.write("HTTP/1.1 103 Early Hints\r\n\r\n", () => socket.resetAndDestroy());
  }, /502/],
  ["in the middle of its body", (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", () => socket.resetAndDestroy());
  }, /ECONNRESET|502|closed|aborted/],
  ["in the middle of a chunk", (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc", () => socket.resetAndDestroy());
  }, /ECONNRESET|502|closed|aborted/],
];

test("a backend that resets at any point leaves nothing behind", { timeout }, async (t) => {
  for (const [where, depart, expected] of backendDepartures) {
    await t.test(where, async () => {
      const kept = createKeptLog();
      await using backend = await startTcpBackend((socket) => void socket.once("data", () => depart(socket)));
      await using fixture = await openTestProxy({ limits, log: kept.log });
      await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
      const seen = await Promise.all(
        Array.from(
          { length: 8 },
          (_none, index) =>
            ask(targetOf(fixture), index % 2 === 0 ? {} : { method: "POST", body: "x".repeat(100_000) })
              .then(({ status }) => String(status), (error: unknown) => String(error)),
        ),
      );
      for (const one of seen) assert.match(one, expected);
      await assertNoLoad(fixture);
      assert.deepEqual(kept.errors(), []);
    });
  }
});
