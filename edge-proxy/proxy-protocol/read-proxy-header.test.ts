import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { buildClientHello } from "../testing/client-hello-bytes.ts";
import { peekClientHello } from "../tls/peek-client-hello.ts";
import { buildLocalHeader, buildProxyHeader } from "./build-proxy-header.ts";
import { readProxyHeader } from "./read-proxy-header.ts";

const source = { address: "192.0.2.1", port: 50_000 };
const destination = { address: "198.51.100.2", port: 443 };
const hello = buildClientHello({ names: ["a.example"] });
const trusting = { timeoutMs: 20_000, isTrusted: () => true };
const peekLimits = { firstByteMs: 20_000, clientHelloMs: 20_000 };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

async function openListener(t: TestContext): Promise<() => Promise<Pair>> {
  const listener = createServer();
  const sockets = new Set<Socket>();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = toAddress(listener.address());
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return async () => {
    const accepted = once(listener, "connection");
    const client = connect({ port, host: "127.0.0.1", noDelay: true });
    const [server] = await accepted;
    for (const socket of [client, server]) sockets.add(socket.on("error", () => socket.destroy()));
    return { client, server };
  };
}

function toAddress(address: AddressInfo | string | null): AddressInfo {
  assert.ok(address !== null && typeof address === "object");
  return address;
}

/** Sends both parts such that the second cannot arrive together with the first. */
async function sendInTwo({ client, server }: Pair, bytes: Buffer, split: number): Promise<void> {
  client.write(bytes.subarray(0, split));
  while (server.bytesRead < split) await setImmediate();
  await setImmediate();
  client.write(bytes.subarray(split));
}

const headers: readonly [name: string, bytes: Buffer, address: string | undefined][] = [
  ["v1", buildProxyHeader("v1", { source, destination }), source.address],
  ["v2", buildProxyHeader("v2", { source, destination, authority: "a.example", checksum: true }), source.address],
  ["LOCAL", buildLocalHeader(), undefined],
];

for (const [name, header, address] of headers) {
  test(`P4: readProxyHeader() ${name} split at every byte leaves the ClientHello to peekClientHello()`, async (t) => {
    const open = await openListener(t);
    const bytes = Buffer.concat([header, hello]);
    for (let split = 1; split < header.length + 8; split++) {
      const pair = await open();
      const reading = readProxyHeader(pair.server, trusting);
      const sending = sendInTwo(pair, bytes, split);
      const result = await reading;
      assert.ok(result.kind === "header", `split at ${split}`);
      assert.equal(result.source?.address, address);
      const peeked = await peekClientHello(pair.server, peekLimits);
      await sending;
      assert.ok(peeked.kind === "hello" && peeked.hello.serverName === "a.example", `split at ${split}`);
      assert.deepEqual(peeked.bytes, hello);
      pair.client.destroy();
      pair.server.destroy();
    }
  });

  test(`P4: readProxyHeader() ${name} glued to the ClientHello, with a pause before the peek`, async (t) => {
    const pair = await (await openListener(t))();
    pair.client.write(Buffer.concat([header, hello]));
    assert.equal((await readProxyHeader(pair.server, trusting)).kind, "header");
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    const peeked = await peekClientHello(pair.server, peekLimits);
    assert.ok(peeked.kind === "hello");
    assert.deepEqual(peeked.bytes, hello);
  });
}

test("P4: readProxyHeader() loses no byte of what follows, however much", async (t) => {
  const pair = await (await openListener(t))();
  const body = Buffer.alloc(1_000_000, "0123456789");
  pair.client.end(Buffer.concat([buildLocalHeader(), body]));
  assert.equal((await readProxyHeader(pair.server, trusting)).kind, "header");
  const chunks: Buffer[] = [];
  for await (const chunk of pair.server) chunks.push(Buffer.from(chunk));
  assert.ok(Buffer.concat(chunks).equals(body));
});

test("P4: readProxyHeader() leaves a socket to a listener that comes later", async (t) => {
  const pair = await (await openListener(t))();
  pair.client.write(buildLocalHeader());
  assert.equal((await readProxyHeader(pair.server, trusting)).kind, "header");
  pair.client.write("late");
  const [chunk] = await once(pair.server, "data");
  assert.equal(String(chunk), "late");
});

test("P1: readProxyHeader() refuses a peer that is not trusted before it reads", async (t) => {
  const pair = await (await openListener(t))();
  const seen: string[] = [];
  const isTrusted = (address: string) => {
    seen.push(address);
    return false;
  };
  const result = await readProxyHeader(pair.server, { timeoutMs: 20_000, isTrusted });
  assert.deepEqual(result, { kind: "refused", reason: "untrusted" });
  assert.deepEqual(seen, ["127.0.0.1"]);
});

test("P1: readProxyHeader() refuses a connection without a header", async (t) => {
  const pair = await (await openListener(t))();
  pair.client.write(hello);
  assert.deepEqual(await readProxyHeader(pair.server, trusting), { kind: "refused", reason: "absent" });
});

test("LIM1: readProxyHeader() refuses a header that does not arrive in time", async (t) => {
  const pair = await (await openListener(t))();
  pair.client.write("PROXY ");
  const result = await readProxyHeader(pair.server, { ...trusting, timeoutMs: 50 });
  assert.deepEqual(result, { kind: "refused", reason: "timeout" });
  assert.equal(pair.server.listenerCount("readable"), 0);
});

for (const how of ["end", "destroy"] as const) {
  test(`P4: readProxyHeader() refuses a connection that closes before its header (${how})`, async (t) => {
    const pair = await (await openListener(t))();
    pair.client.write("PROXY TCP4", () => pair.client[how]());
    assert.deepEqual(await readProxyHeader(pair.server, trusting), { kind: "refused", reason: "closed" });
  });
}
