import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { test } from "node:test";
import { findFreePorts } from "./free-ports.ts";
import { createProbe } from "./probe.ts";

async function listen(server: Server): Promise<AsyncDisposable & { port: number }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address: AddressInfo | string | null = server.address();
  assert.ok(address !== null && typeof address === "object");
  const { port } = address;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

const probeInstance = createProbe({ settleMs: 50 });
const signal = () => AbortSignal.timeout(10_000);
const tcp = { timeoutSeconds: 1 };

test("createProbe() takes any connection that stays open for healthy", async () => {
  await using one = await listen(createServer((socket) => void socket.on("error", () => undefined)));
  assert.equal(await probeInstance({ ports: { "": one.port }, healthCheck: tcp }, signal()), undefined);
});

test("createProbe() refuses a closed port, and one behind a forwarder that closes at once", async () => {
  const [free = 0] = await findFreePorts(1, { used: new Set() });
  assert.match(
    await probeInstance({ ports: { "": free }, healthCheck: tcp }, signal()) ?? "",
    /does not accept: .*ECONNREFUSED/,
  );
  await using forwarder = await listen(createServer((socket) => void socket.destroy()));
  const reason = await probeInstance({ ports: { "": forwarder.port }, healthCheck: tcp }, signal());
  assert.match(reason ?? "", /closes each connection at once|ECONNRESET/);
});

test("createProbe() wants all routes to accept", async () => {
  await using one = await listen(createServer((socket) => void socket.on("error", () => undefined)));
  const [free = 0] = await findFreePorts(1, { used: new Set() });
  const reason = await probeInstance({ ports: { rest: one.port, grpc: free }, healthCheck: tcp }, signal());
  assert.match(reason ?? "", new RegExp(`port ${free} `));
});

test("createProbe() asks the declared path: 2xx and 3xx are healthy", async () => {
  const answers: Record<string, number> = { "/ok": 204, "/moved": 302, "/bad": 503 };
  const http = createHttpServer((request, response) =>
    void response.writeHead(answers[request.url ?? ""] ?? 404).end("x")
  );
  await using one = await listen(http);
  const ask = (path: string, route?: string) =>
    probeInstance({ ports: { rest: one.port }, healthCheck: { ...tcp, path, ...(route ? { route } : {}) } }, signal());
  assert.equal(await ask("/ok"), undefined);
  assert.equal(await ask("/moved", "rest"), undefined);
  assert.match(await ask("/bad") ?? "", /answered 503/);
  assert.match(await ask("/ok", "grpc") ?? "", /route "grpc", which does not exist/);
});

test("createProbe() without routes waits a moment, and ends when it is cancelled", async () => {
  assert.equal(await probeInstance({ ports: {}, healthCheck: tcp }, signal()), undefined);
  assert.match(await probeInstance({ ports: {}, healthCheck: tcp }, AbortSignal.abort()) ?? "", /cancelled/);
});

test("findFreePorts() gives distinct ports of the range that nobody has", async () => {
  await using taken = await listen(createServer());
  const ports = await findFreePorts(3, { used: new Set([10_001]), random: () => 0 });
  assert.equal(new Set(ports).size, 3);
  assert.ok(ports.every((port) => port >= 10_000 && port <= 60_000 && port !== taken.port && port !== 10_001));
});

test("findFreePorts() says when there are not enough", async () => {
  const used = new Set(Array.from({ length: 50_001 }, (_unused, index) => 10_000 + index));
  await assert.rejects(findFreePorts(1, { used }), /only 0 are free/);
});
