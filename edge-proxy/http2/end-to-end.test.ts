import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { status as grpcStatus } from "@grpc/grpc-js";
import { WebSocket, WebSocketServer } from "ws";
import type { BackendProtocol, Route } from "#shared/contract/route.ts";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend } from "../testing/test-backend.ts";
import { ask as askHttp1 } from "../testing/test-client.ts";
import { answerOf, ask } from "./testing/ask.ts";
import { callUnary, echoImplementation, openGrpcClient, startGrpcServer } from "./testing/grpc-service.ts";
import { openHttp2Backend } from "./testing/open-http2-backend.ts";
import { proxySession } from "./testing/proxy-session.ts";
import { needsServer } from "./testing/skip-on-deno.ts";

const options = { timeout: 20_000 };
const onServer = { ...needsServer, ...options };

function routeVia(port: number, backendProtocol: BackendProtocol): Route {
  return { ...routeTo("a.test", "l7", backendAt(port)), backendProtocol };
}

test("an HTTP/2 client reaches an HTTP/1.1 backend, with body, trailers and early hints", onServer, async () => {
  await using backend = await startHttpBackend((request, response) => {
    if (request.method === "HEAD") return void response.writeHead(200, { "content-length": 5 }).end();
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    let bytes = 0;
    request.on("data", (chunk: Buffer) => void (bytes += chunk.length));
    request.on("end", () => {
      response.writeHead(200, { trailer: "x-sum", "set-cookie": ["a=1", "b=2"] });
      response.write(`${request.method} ${request.url} ${bytes} ${request.headers.host} ${request.headers.via}`);
      response.addTrailers({ "x-sum": "7" });
      response.end();
    });
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const session = proxySession(fixture);
  const got = await ask(session, { path: "/x?y" });
  assert.deepEqual([got.status, got.body], [200, "GET /x?y 0 a.test 2 mc-proxy"]);
  assert.deepEqual(got.trailers, ["x-sum", "7"]);
  assert.deepEqual(got.fields.filter((text) => /^[ab]=/.test(text)), ["a=1", "b=2"]);
  const stream = session.request({ ":method": "POST", ":path": "/up", ":authority": "a.test" });
  const hints: number[] = [];
  stream.on("headers", (headers) => void hints.push(Number(headers[":status"])));
  const answered = answerOf(stream);
  for (let index = 0; index < 20; index += 1) stream.write(Buffer.alloc(20_000));
  stream.end();
  assert.match((await answered).body, /^POST \/up 400000 /);
  assert.deepEqual(hints, [103]);
  const head = await ask(session, { method: "HEAD" });
  assert.deepEqual([head.status, head.isOneFrame, head.fields.includes("5")], [200, true, true]);
  session.close();
});

for (const protocol of ["h2c", "h2"] as const) {
  test(`G2: an HTTP/1.1 client reaches an ${protocol} backend`, options, async () => {
    await using fixture = await openTestProxy();
    const material = protocol === "h2" ? { material: await fixture.authority.issue("a.test") } : {};
    await using backend = await openHttp2Backend((stream, raw) => {
      stream.respond({ ":status": 200, "x-path": raw[raw.indexOf(":path") + 1] }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }));
      stream.pipe(stream);
    }, material);
    await fixture.serve(routeVia(backend.port, protocol));
    const got = await askHttp1(targetOf(fixture), {
      method: "POST",
      path: "/p",
      body: "hello",
      headers: { te: "trailers" },
    });
    assert.deepEqual([got.status, got.body, got.headers["x-path"], got.rawTrailers], [200, "hello", "/p", [
      "x-sum",
      "1",
    ]]);
    await Promise.all(Array.from({ length: 20 }, () => askHttp1(targetOf(fixture), { body: "x", method: "PUT" })));
    assert.equal(backend.sessions.length, 1);
  });
}

test("X10: an h2 backend whose certificate has another name is 502", options, async () => {
  await using fixture = await openTestProxy();
  const material = await fixture.authority.issue("other.test");
  await using backend = await openHttp2Backend((stream) => stream.respond({ ":status": 200 }, { endStream: true }), {
    material,
  });
  await fixture.serve(routeVia(backend.port, "h2"));
  assert.equal((await askHttp1(targetOf(fixture))).status, 502);
  await fixture.serve({ ...routeVia(backend.port, "h2"), backendServerName: "other.test" });
  assert.equal((await askHttp1(targetOf(fixture))).status, 200);
});

test("G1: gRPC passes end to end, also what is only trailers", onServer, async () => {
  await using server = await startGrpcServer(echoImplementation);
  await using fixture = await openTestProxy();
  await fixture.serve(routeVia(server.port, "h2c"));
  const client = openGrpcClient(fixture.proxy.port, fixture.authority.rootPem);
  const { value, trailers } = await callUnary(client, "hello");
  assert.deepEqual([value, trailers.get("x-sum")], ["hello", ["42"]]);
  const { error } = await callUnary(client, "fail");
  assert.deepEqual([error?.code, error?.details], [grpcStatus.NOT_FOUND, "nothing here"]);
  client.close();
});

test("G3: without an instance that answers, gRPC hears UNAVAILABLE, in one frame", onServer, async () => {
  await using fixture = await openTestProxy();
  await fixture.serve(routeVia(1, "h2c"));
  const client = openGrpcClient(fixture.proxy.port, fixture.authority.rootPem);
  assert.equal((await callUnary(client, "hello")).error?.code, grpcStatus.UNAVAILABLE);
  client.close();
  const session = proxySession(fixture);
  const got = await ask(session, { method: "POST", fields: ["content-type", "application/grpc"], body: "x" });
  assert.deepEqual([got.status, got.fields[got.fields.indexOf("grpc-status") + 1], got.body], [200, "14", ""]);
  assert.equal(got.isOneFrame, true);
  session.close();
});

test("G3: grpc-timeout caps the time for an answer", onServer, async () => {
  await using backend = await openHttp2Backend(() => {});
  await using fixture = await openTestProxy();
  await fixture.serve(routeVia(backend.port, "h2c"));
  const session = proxySession(fixture);
  const fields = ["content-type", "application/grpc", "grpc-timeout", "200m"];
  const got = await ask(session, { method: "POST", fields, body: "x" });
  assert.equal(got.fields[got.fields.indexOf("grpc-status") + 1], "4");
  session.close();
});

test("G4: a client's CANCEL is the backend's CANCEL, and a backend's code the client's", onServer, async () => {
  const code = Promise.withResolvers<number>();
  await using backend = await openHttp2Backend((stream, raw) => {
    if (raw.includes("/reset")) return stream.close(11);
    stream.respond({ ":status": 200 });
    stream.write("x");
    stream.on("close", () => code.resolve(stream.rstCode));
  });
  await using fixture = await openTestProxy();
  await fixture.serve(routeVia(backend.port, "h2c"));
  const session = proxySession(fixture);
  const stream = session.request({ ":path": "/", ":authority": "a.test" });
  stream.on("error", () => {});
  await once(stream, "data");
  stream.close(8);
  assert.equal(await code.promise, 8);
  await assert.rejects(ask(session, { path: "/reset", fields: ["content-type", "application/grpc"] }), /reset with 11/);
  session.close();
});

test(
  "H5: an authority that the connection was not opened for is 421, or served where the same routes apply",
  onServer,
  async () => {
    await using backend = await startHttpBackend((_request, response) => void response.end("x"));
    await using fixture = await openTestProxy();
    await fixture.serve(
      routeTo("a.test", "l7", backendAt(backend.port)),
      routeTo("b.test", "l7", backendAt(backend.port)),
    );
    const session = proxySession(fixture, "b.test");
    assert.equal((await ask(session)).status, 421);
    session.close();
  },
);

/** Speaks WebSocket on a stream of HTTP/2, as far as one echo needs it. */
async function echoOver(stream: ReturnType<ReturnType<typeof proxySession>["request"]>): Promise<string> {
  const [headers] = await once(stream, "response");
  assert.equal(headers[":status"], 200);
  // A masked text frame "hi" (RFC 6455 §5.7), with a mask of zeros.
  stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  const [frame] = await once(stream, "data");
  stream.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
  stream.resume();
  await once(stream, "end");
  stream.end();
  return Buffer.from(frame).subarray(2).toString();
}

const handshake = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":path": "/ws",
  ":authority": "a.test",
  "sec-websocket-version": "13",
};

test("W2: a WebSocket over HTTP/2 reaches an HTTP/1.1 backend", onServer, async () => {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on(
    "connection",
    (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(portOf(address))));
  const session = proxySession(fixture);
  await once(session, "remoteSettings");
  assert.equal(await echoOver(session.request(handshake)), "hi");
  session.close();
  sockets.close();
  server.close();
});

function portOf(address: AddressInfo | string | null): number {
  return address !== null && typeof address === "object" ? address.port : 0;
}

test("W2: WebSockets of both protocols reach an HTTP/2 backend by extended CONNECT", options, async () => {
  await using backend = await openHttp2Backend((stream, raw) => {
    assert.deepEqual(raw.slice(0, 4), [":method", "CONNECT", ":protocol", "websocket"]);
    stream.respond({ ":status": 200 });
    // Echoes the first frame without its mask, which is zeros, and answers a close.
    stream.on("data", (data: Buffer) => {
      if ((data[0] ?? 0) === 0x88) stream.end(Buffer.from([0x88, 0x00]));
      else stream.write(unmask(data));
    });
  }, { settings: { enableConnectProtocol: true } });
  await using fixture = await openTestProxy();
  await fixture.serve(routeVia(backend.port, "h2c"));
  const { port, rootPem, hostname } = targetOf(fixture);
  const client = { ca: rootPem, servername: hostname, headers: { host: hostname } };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, client);
  await once(socket, "open");
  socket.send("hi");
  const [message] = await once(socket, "message");
  assert.equal(String(message), "hi");
  socket.close();
  await once(socket, "close");
  if (needsServer.skip !== false) return;
  const session = proxySession(fixture);
  await once(session, "remoteSettings");
  assert.equal(await echoOver(session.request(handshake)), "hi");
  session.close();
});

function unmask(data: Buffer): Buffer {
  const mask = data.subarray(2, 6);
  const text = data.subarray(6).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([data[0] ?? 0, text.length]), text]);
}

test("W2: a WebSocket to an HTTP/2 backend that takes none fails, and never in another protocol", options, async () => {
  await using backend = await openHttp2Backend((stream) => stream.respond({ ":status": 200 }));
  await using fixture = await openTestProxy();
  await fixture.serve(routeVia(backend.port, "h2c"));
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  assert.equal((await askHttp1(targetOf(fixture), { headers })).status, 502);
});

test("T7: on drain, HTTP/2 clients are told to go, and finish what runs", onServer, async () => {
  const begun = Promise.withResolvers<() => void>();
  await using backend = await startHttpBackend((_request, response) => begun.resolve(() => void response.end("late")));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const session = proxySession(fixture);
  const running = ask(session);
  const finish = await begun.promise;
  const told = once(session, "goaway");
  const drained = fixture.proxy[Symbol.asyncDispose]();
  const [code] = await told;
  assert.equal(code, 0);
  finish();
  assert.equal((await running).body, "late");
  await drained;
});
