import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { test, type TestContext } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { addressOf, buildReply } from "../testing/upstream.ts";
import { nameFromText } from "../wire/name.ts";
import { concatBytes } from "../wire/record.ts";
import { frameMessage } from "../wire/frame-splitter.ts";
import { exchange } from "./exchange.ts";

const question = {
  question: concatBytes([nameFromText("a.example"), Uint8Array.of(0, 1, 0, 1)]),
  dnssecOk: false,
  checkingDisabled: false,
  useEdns: true,
};
const good = (query: Uint8Array) => buildReply(query, { answers: [["a.example", 60, "A", "192.0.2.9"]] });
const inTime = () => AbortSignal.timeout(5_000);

/** A TCP server and a UDP socket on one port that is free for both. */
async function bindBoth(server: Server): Promise<Socket> {
  for (;;) {
    const socket = createSocket("udp4");
    const bound = once(socket, "listening");
    socket.bind(0, "127.0.0.1");
    await bound;
    const listening = once(server, "listening");
    server.listen(socket.address().port, "127.0.0.1");
    try {
      await listening;
      return socket;
    } catch {
      // Somebody's TCP connection has that number: take another one.
      socket.close();
    }
  }
}

/** An upstream at a free port: `overUdp` gives the datagrams for a query, `overTcp` the message. */
async function startUpstream(
  t: TestContext,
  overUdp: (query: Uint8Array) => readonly Uint8Array[],
  overTcp?: (query: Uint8Array) => Uint8Array,
) {
  const server = createServer((connection) => {
    connection.on("data", (chunk: Uint8Array) => {
      if (overTcp === undefined) connection.destroy();
      else connection.end(frameMessage(overTcp(chunk.subarray(2))));
    });
    connection.on("error", () => connection.destroy());
  });
  const socket = await bindBoth(server);
  t.after(() => socket.close());
  if (overTcp === undefined) server.close();
  else t.after(() => server.close());
  const ports = new Set<number>();
  socket.on("message", (query, { address, port }) => {
    ports.add(port);
    for (const reply of overUdp(query)) socket.send(reply, port, address);
  });
  const { port } = socket.address();
  return { endpoint: { address: "127.0.0.1", port }, ports };
}

test("exchange() takes the reply that matches and no forged one", async (t) => {
  const withId = (query: Uint8Array) => {
    const forged = Uint8Array.from(buildReply(query, { answers: [["a.example", 60, "A", "192.0.2.66"]] }));
    forged[0] = (forged[0] ?? 0) ^ 0xff;
    return forged;
  };
  const otherName = (query: Uint8Array) => {
    const forged = Uint8Array.from(buildReply(query, { answers: [["a.example", 60, "A", "192.0.2.66"]] }));
    forged[13] = "b".charCodeAt(0);
    return forged;
  };
  const { endpoint } = await startUpstream(
    t,
    (query) => [Uint8Array.of(1, 2), query, withId(query), otherName(query), good(query)],
  );
  const reply = await exchange(endpoint, question, inTime());
  assert.equal(addressOf(reply.answers[0]), "192.0.2.9");
});

test("exchange() uses a fresh port for each question", async (t) => {
  const { endpoint, ports } = await startUpstream(t, (query) => [good(query)]);
  await Promise.all(Array.from({ length: 10 }, () => exchange(endpoint, question, inTime())));
  assert.equal(ports.size, 10);
});

test("exchange() asks over TCP when the reply is cut", async (t) => {
  const { endpoint } = await startUpstream(t, (query) => [buildReply(query, { truncated: true })], good);
  assert.equal(addressOf((await exchange(endpoint, question, inTime())).answers[0]), "192.0.2.9");
});

test("exchange() asks over TCP when replies are being guessed", async (t) => {
  const { endpoint } = await startUpstream(t, (query) => Array.from({ length: 21 }, () => query), good);
  assert.equal(addressOf((await exchange(endpoint, question, inTime())).answers[0]), "192.0.2.9");
});

test("exchange() says when the server is silent, unreachable or talks nonsense", async (t) => {
  const code = (expected: string) => (error: unknown) => error instanceof PlatformError && error.code === expected;
  const { endpoint } = await startUpstream(t, () => []);
  await assert.rejects(exchange(endpoint, question, AbortSignal.timeout(30)), code("timeout"));
  const cut = await startUpstream(t, (query) => [buildReply(query, { truncated: true })]);
  await assert.rejects(exchange(cut.endpoint, question, inTime()), code("unavailable"));
  const broken = await startUpstream(t, (query) => [good(query).subarray(0, 40)]);
  await assert.rejects(exchange(broken.endpoint, question, inTime()), code("invalid-request"));
});
