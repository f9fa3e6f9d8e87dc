import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { createServer } from "node:net";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { createTestAuthority } from "../testing/test-authority.ts";
import { startTcpBackend } from "../testing/test-backend.ts";
import { backendKey } from "../routes.ts";
import { askBackend } from "./testing/ask-backend.ts";
import { openHttp2Backend } from "./testing/open-http2-backend.ts";
import { backendAt, createTestBackends, openAt } from "./testing/test-backends.ts";

const options = { timeout: 20_000 };

test("createHttp2Backends() sends head and body, and gives head, body and trailers", options, async () => {
  let seen: string[] = [];
  await using backend = await openHttp2Backend((stream, raw) => {
    seen = raw;
    stream.respond([":status", "200", "x-a", "1", "x-a", "2", "content-type", "text/plain"], { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.pipe(stream);
  });
  await using backends = createTestBackends();
  const open = openAt(backends, backend.port);
  const { answer } = askBackend(open, { method: "POST", path: "/p?q", fields: ["X-Up", "1"], bodyLength: 5 }, "hello");
  const { head, body, trailers } = await answer;
  assert.equal(body, "hello");
  assert.deepEqual(trailers, ["grpc-status", "0"]);
  assert.deepEqual(head?.fields.slice(0, 6), ["x-a", "1", "x-a", "2", "content-type", "text/plain"]);
  assert.deepEqual(seen, [
    ":method",
    "POST",
    ":scheme",
    "https",
    ":path",
    "/p?q",
    ":authority",
    "a.test",
    "x-up",
    "1",
    "content-length",
    "5",
    "te",
    "trailers",
  ]);
});

test(
  "createHttp2Backends() keeps one session for requests at the same time and after each other",
  options,
  async () => {
    const streams: ServerHttp2Stream[] = [];
    await using backend = await openHttp2Backend((stream) => {
      streams.push(stream);
      if (streams.length < 10) return;
      for (const one of streams.splice(0)) one.respond({ ":status": 204 }, { endStream: true });
    });
    await using backends = createTestBackends();
    const open = openAt(backends, backend.port);
    for (let round = 0; round < 2; round += 1) {
      const asks = Array.from({ length: 10 }, () => askBackend(open).answer);
      for (const { head } of await Promise.all(asks)) assert.equal(head?.status, 204);
    }
    assert.equal(backend.sessions.length, 1);
  },
);

test("createHttp2Backends() respects the backend's limit of streams and opens further sessions", options, async () => {
  const streams: ServerHttp2Stream[] = [];
  const settings = { maxConcurrentStreams: 3 };
  await using backend = await openHttp2Backend((stream) => {
    streams.push(stream);
    if (streams.length === 10) { for (const one of streams) one.respond({ ":status": 204 }, { endStream: true }); }
  }, { settings });
  await using backends = createTestBackends();
  const open = openAt(backends, backend.port);
  const answers = await Promise.all(Array.from({ length: 10 }, () => askBackend(open).answer));
  assert.ok(answers.every(({ head }) => head?.status === 204));
  assert.ok(backend.sessions.length >= 4, `${backend.sessions.length} sessions`);
});

test("G1: a response that is only a head has no body, and its fields are those of the head", options, async () => {
  await using backend = await openHttp2Backend((stream) =>
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true })
  );
  await using backends = createTestBackends();
  const { answer } = askBackend(openAt(backends, backend.port), {
    method: "POST",
    bodyLength: undefined,
  }, "x");
  const { head, trailers } = await answer;
  assert.deepEqual([head?.hasBody, trailers], [false, []]);
  assert.ok(head?.fields.includes("grpc-status"));
});

test("H7: informational responses come before the final one", options, async () => {
  await using backend = await openHttp2Backend((stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</a.css>" });
    stream.respond({ ":status": 204 }, { endStream: true });
  });
  await using backends = createTestBackends();
  const { informational, head } = await askBackend(openAt(backends, backend.port)).answer;
  assert.deepEqual([informational, head?.status], [[103], 204]);
});

test("H10: HEAD, 204 and 304 have no body, whatever they announce", options, async () => {
  await using backend = await openHttp2Backend((stream, raw) => {
    const status = Number(raw[raw.indexOf(":path") + 1]?.slice(1));
    stream.respond({ ":status": status, ...(status === 204 ? {} : { "content-length": 5 }) }, { endStream: true });
  });
  await using backends = createTestBackends();
  const open = openAt(backends, backend.port);
  for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
    const { head, body } = await askBackend(open, { method, path: `/${status}` }).answer;
    assert.deepEqual([head?.status, head?.hasBody, body], [status, false, ""]);
    assert.equal(head?.contentLength, status === 204 ? undefined : 5);
  }
});

test("G4: the code of a reset reaches the other side, both ways", options, async () => {
  const codes: number[] = [];
  const closed = Promise.withResolvers<void>();
  await using backend = await openHttp2Backend((stream, raw) => {
    if (raw.includes("/reset")) return stream.close(11);
    stream.on("close", () => {
      codes.push(stream.rstCode);
      closed.resolve();
    });
    stream.respond({ ":status": 200 });
  });
  await using backends = createTestBackends();
  const open = openAt(backends, backend.port);
  const early = (await askBackend(open, { path: "/reset" }).answer).failure;
  assert.deepEqual([early?.step, early?.status, early?.resetCode], ["response", 502, 11]);
  const { stream, head } = askBackend(open);
  await head;
  stream.reset(8);
  await closed.promise;
  assert.deepEqual(codes, [8]);
});

test("G4: RST_STREAM(NO_ERROR) behind a complete response cuts neither data nor trailers", options, async () => {
  const size = 40_000;
  await using backend = await openHttp2Backend((stream) => {
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => {
      stream.sendTrailers({ "grpc-status": "0" });
      setImmediate(() => stream.close(0));
    });
    stream.end(Buffer.alloc(size, "x"));
  });
  await using backends = createTestBackends();
  const ask = askBackend(openAt(backends, backend.port), { method: "POST", bodyLength: undefined });
  await ask.head;
  ask.stream.pauseResponse();
  await new Promise((resolve) => setTimeout(resolve, 50));
  ask.stream.resumeResponse();
  const { body, trailers, failure } = await ask.answer;
  assert.deepEqual([body.length, trailers, failure], [size, ["grpc-status", "0"], undefined]);
});

test("H10: a connection that breaks in the middle of a response is a failure without a code", options, async () => {
  await using backend = await openHttp2Backend((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("half", () => stream.session?.destroy());
  });
  await using backends = createTestBackends();
  const { failure } = await askBackend(openAt(backends, backend.port)).answer;
  assert.equal(failure?.step, "body");
});

test(
  "H12: GOAWAY leaves the streams it names, fails the others as unprocessed, and makes a new session",
  options,
  async () => {
    const streams: ServerHttp2Stream[] = [];
    const second = Promise.withResolvers<void>();
    await using backend = await openHttp2Backend((stream) => {
      streams.push(stream);
      if (streams.length === 2) second.resolve();
      if (streams.length > 2) stream.respond({ ":status": 204 }, { endStream: true });
    });
    await using backends = createTestBackends();
    const open = openAt(backends, backend.port);
    const first = askBackend(open);
    const other = askBackend(open);
    await second.promise;
    const [one] = streams;
    one?.session?.goaway(0, one.id);
    const { failure } = await other.answer;
    assert.deepEqual([failure?.step, failure?.status], ["stale", 503]);
    assert.equal((await askBackend(open).answer).head?.status, 204);
    one?.respond({ ":status": 202 }, { endStream: true });
    assert.equal((await first.answer).head?.status, 202);
    assert.equal(backend.sessions.length, 2);
  },
);

test("H12: a refused stream is unprocessed, and a session that dies when used again is stale", options, async () => {
  await using backend = await openHttp2Backend((stream, raw) => {
    if (raw.includes("/refuse")) stream.close(7);
    else if (raw.includes("/die")) stream.session?.destroy();
    else stream.respond({ ":status": 204 }, { endStream: true });
  });
  await using backends = createTestBackends();
  const open = openAt(backends, backend.port);
  const refused = (await askBackend(open, { path: "/refuse" }).answer).failure;
  assert.deepEqual([refused?.step, refused?.status, refused?.resetCode], ["stale", 503, 7]);
  await askBackend(open).answer;
  const stale = (await askBackend(open, { path: "/die" }).answer).failure;
  assert.deepEqual([stale?.step, stale?.status], ["stale", 502]);
  const fresh = (await askBackend(openAt(backends, backend.port, { isFresh: true }), { path: "/die" }).answer).failure;
  assert.equal(fresh?.step, "response");
});

test("G2: a backend that is not there, does not answer, or speaks HTTP/1.1 is a failed connect", options, async () => {
  await using silent = await startTcpBackend(() => {});
  await using old = await startTcpBackend((socket) =>
    void socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
  );
  await using backends = createTestBackends({ connectMs: 200 });
  const gone = createServer();
  gone.listen(0, "127.0.0.1");
  await once(gone, "listening");
  const address = gone.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  await new Promise((resolve) => gone.close(resolve));
  for (const [number, status] of [[port, 502], [silent.port, 504], [old.port, 502]] as const) {
    const { failure } = await askBackend(openAt(backends, number)).answer;
    assert.deepEqual([failure?.step, failure?.status], ["connect", status]);
  }
});

test("X10: TLS to a backend is verified against the roots and the expected name", options, async () => {
  const authority = await createTestAuthority();
  const stranger = await createTestAuthority();
  const material = await authority.issue("web.internal");
  await using backend = await openHttp2Backend((stream) => stream.respond({ ":status": 204 }, { endStream: true }), {
    material,
  });
  await using backends = createTestBackends();
  const ask = (rootsPem: string, serverName: string) =>
    askBackend(openAt(backends, backend.port, { tls: { rootsPem, serverName } })).answer;
  assert.equal((await ask(authority.rootPem, "web.internal")).head?.status, 204);
  assert.equal((await ask(authority.rootPem, "other.internal")).failure?.step, "connect");
  assert.equal((await ask(stranger.rootPem, "web.internal")).failure?.step, "connect");
});

test("G5: a response that is held back stops the backend within its window", options, async () => {
  let sent = 0;
  const total = 4 << 20;
  await using backend = await openHttp2Backend((stream) => {
    stream.respond({ ":status": 200 });
    const pump = () => {
      while (sent < total) {
        sent += 16_384;
        if (!stream.write(Buffer.alloc(16_384))) return void stream.once("drain", pump);
      }
      stream.end();
    };
    pump();
  });
  await using backends = createTestBackends();
  const open = openAt(backends, backend.port);
  const ask = askBackend(open);
  await ask.head;
  ask.stream.pauseResponse();
  // Others on the same session go on meanwhile.
  const before = sent;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(sent < before + 512 * 1024 && sent < total, `${sent} bytes were sent`);
  ask.stream.resumeResponse();
  assert.equal((await ask.answer).body.length, total);
});

test("G5: sendData() says when to wait, and the drain comes as the backend reads", options, async () => {
  const arrived = Promise.withResolvers<ServerHttp2Stream>();
  await using backend = await openHttp2Backend((stream) => {
    stream.pause();
    arrived.resolve(stream);
  });
  await using backends = createTestBackends();
  const drained = Promise.withResolvers<void>();
  const connected = Promise.withResolvers<void>();
  const stream = openAt(backends, backend.port)(
    {
      method: "POST",
      path: "/",
      authority: "a.test",
      fields: [],
      bodyLength: undefined,
      expectsContinue: false,
      acceptsTrailers: true,
      upgrade: undefined,
    },
    {
      onConnected: connected.resolve,
      onInformational() {},
      onResponse() {},
      onResponseData() {},
      onResponseEnd() {},
      onRequestDrain: drained.resolve,
      onFailed: (failure) => drained.reject(failure.error),
    },
  );
  await connected.promise;
  let sent = 0;
  while (stream.sendData(Buffer.alloc(16_384))) sent += 16_384;
  assert.ok(sent < 512 * 1024);
  (await arrived.promise).resume();
  await drained.promise;
  stream.reset(8);
});

test("RFC 8441: an upgrade is an extended CONNECT, if the backend takes one", options, async () => {
  let seen: string[] = [];
  const settings = { enableConnectProtocol: true };
  await using backend = await openHttp2Backend((stream, raw) => {
    seen = raw;
    stream.respond({ ":status": 200, "sec-websocket-protocol": "chat" });
    stream.on("data", (chunk: Buffer) => stream.write(chunk));
    stream.on("end", () => stream.end("bye"));
  }, { settings });
  await using plain = await openHttp2Backend((stream) => stream.respond({ ":status": 200 }));
  await using backends = createTestBackends();
  const upgrade = { upgrade: "websocket", fields: ["Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AA=="] };
  const ask = askBackend(openAt(backends, backend.port), upgrade);
  const head = await ask.head;
  assert.deepEqual([head.status, head.isTunnel, head.hasBody], [200, true, false]);
  ask.stream.sendData(Buffer.from("hello "));
  ask.stream.sendEnd([]);
  assert.equal((await ask.answer).body, "hello bye");
  assert.deepEqual(seen.slice(0, 4), [":method", "CONNECT", ":protocol", "websocket"]);
  assert.equal(seen.includes("sec-websocket-key"), false);
  const { failure } = await askBackend(openAt(backends, plain.port), upgrade).answer;
  assert.deepEqual([failure?.step, failure?.status], ["response", 502]);
});

test(
  "LIM6: an idle session closes; retain() closes the sessions of backends that left after their requests",
  options,
  async () => {
    const held = Promise.withResolvers<ServerHttp2Stream>();
    await using backend = await openHttp2Backend((stream, raw) => {
      if (raw.includes("/hold")) held.resolve(stream);
      else stream.respond({ ":status": 204 }, { endStream: true });
    });
    await using short = createTestBackends({ idleMs: 1 });
    await askBackend(openAt(short, backend.port)).answer;
    const [idle] = backend.sessions;
    if (idle?.destroyed === false) await once(idle, "close");

    await using backends = createTestBackends();
    const open = openAt(backends, backend.port);
    const running = askBackend(open, { path: "/hold" });
    const stream = await held.promise;
    backends.retain(new Set([backendKey(backendAt(backend.port))]));
    await askBackend(open).answer;
    assert.equal(backend.sessions.length, 2);
    backends.retain(new Set());
    await askBackend(open).answer;
    assert.equal(backend.sessions.length, 3);
    const session = stream.session;
    stream.respond({ ":status": 201 }, { endStream: true });
    assert.equal((await running.answer).head?.status, 201);
    if (session?.destroyed === false) await once(session, "close");
  },
);
