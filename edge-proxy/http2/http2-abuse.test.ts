import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { test } from "node:test";
import type { ServeStream } from "../l7/streams.ts";
import {
  frame,
  frameFlags,
  type FrameReader,
  frameTypes,
  get,
  headerBlock,
  headers,
  integer,
  literal,
  preface,
  readFrames,
  rstStream,
  windowUpdate,
} from "./testing/frames.ts";
import { answer } from "./testing/join-streams.ts";
import { type Http2Door, openHttp2Door } from "./testing/open-http2-door.ts";
import { serveWith } from "./testing/serve-with.ts";
import { needsServer } from "./testing/skip-on-deno.ts";

const options = { ...needsServer, timeout: 20_000 };
const protocolError = 1, internalError = 2, enhanceYourCalm = 11;
const post = get().with(1, "POST");

/** What a client gets that sends `bytes`: the code of the GOAWAY that ends the connection. */
async function goawayTo(door: Http2Door, ...bytes: readonly Uint8Array[]): Promise<number | undefined> {
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(Buffer.concat(bytes));
  return await reader.goaway();
}

/** What becomes of stream 1 after `bytes`: `response`, `reset` with its code, or `goaway` with its code. */
async function resultOf(door: Http2Door, ...bytes: readonly Uint8Array[]): Promise<string> {
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(Buffer.concat([preface(), ...bytes]));
  const find = () => reader.frames.find(({ type, id }) => id === 1 && (type === 1 || type === 3));
  await reader.until(() => find() !== undefined).catch(() => {});
  socket.destroy();
  const found = find();
  if (found === undefined) return `goaway ${await reader.goaway()}`;
  return found?.type === frameTypes.rstStream ? `reset ${found.payload.readUInt32BE(0)}` : "response";
}

async function answerPing(reader: FrameReader): Promise<void> {
  await reader.until(() =>
    reader.frames.some(({ type, flags }) => type === frameTypes.ping && flags === frameFlags.ack)
  );
}

function range<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** For requests that must not arrive: a test that asks for the answer fails. */
function neverServe(): ServeStream {
  return serveWith((client) => answer(client, 599));
}

const pong = frame(frameTypes.ping, 0, 0, Buffer.alloc(8));

test("T1: a rapid reset ends with ENHANCE_YOUR_CALM, and hardly anything reaches a backend", options, async () => {
  let served = 0, running = 0, most = 0;
  await using door = await openHttp2Door(serveWith(() => {
    served += 1;
    running += 1;
    most = Math.max(most, running);
    return { onClientClosed: () => void (running -= 1) };
  }));
  const pairs = range(350, (index) => Buffer.concat([headers(2 * index + 1, get()), rstStream(2 * index + 1, 8)]));
  assert.equal(await goawayTo(door, preface(), ...pairs), enhanceYourCalm);
  assert.ok(served <= 220 && most <= 100, `${served} requests, ${most} at a time`);
  assert.deepEqual([running, door.edge.streams()], [0, 0]);
});

test("T1: a rapid reset in one burst is ended by nghttp2", options, async () => {
  await using door = await openHttp2Door(serveWith(() => {}));
  const pairs = range(5000, (index) => Buffer.concat([headers(2 * index + 1, get()), rstStream(2 * index + 1, 8)]));
  assert.ok([internalError, enhanceYourCalm].includes(await goawayTo(door, preface(), ...pairs) ?? -1));
});

test("T1: two hundred requests that are cancelled one by one are a user's, not an attack", options, async () => {
  await using door = await openHttp2Door(serveWith(() => {}));
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(preface());
  for (let index = 0; index < 150; index += 1) {
    socket.write(Buffer.concat([headers(2 * index + 1, get()), rstStream(2 * index + 1, 8)]));
  }
  socket.write(pong);
  await answerPing(reader);
  assert.equal(reader.closed(), false);
  socket.destroy();
});

test("T1: resets that the client makes us send count too (MadeYouReset)", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => client.resumeRequest()));
  const lies = range(400, (index) => {
    const id = 2 * index + 1;
    return Buffer.concat([
      headers(id, [...post, "content-length", "5"], 4),
      frame(frameTypes.data, 1, id, Buffer.alloc(9)),
    ]);
  });
  const code = await goawayTo(door, preface(), ...lies);
  assert.ok(code === enhanceYourCalm || code === internalError, `GOAWAY ${code}`);
});

test("T1: WINDOW_UPDATE of 0 and above the maximum, and DATA on a half-closed stream", options, async () => {
  await using door = await openHttp2Door(serveWith(() => {}));
  assert.equal(await goawayTo(door, preface(), windowUpdate(0, 0)), protocolError);
  assert.equal(await goawayTo(door, preface(), windowUpdate(0, 0x7fffffff)), 3);
  assert.equal(await goawayTo(door, preface(), headers(1, get()), frame(frameTypes.data, 0, 1, Buffer.alloc(1))), 5);
});

test("T2: endless CONTINUATION, full and empty, is cut within 64 KiB", options, async () => {
  await using door = await openHttp2Door(neverServe());
  const block = headerBlock(range(200, (index) => ["x", `${index}`]).flat());
  const begin = frame(frameTypes.headers, 1, 1, headerBlock(get()));
  const full = range(200, () => frame(frameTypes.continuation, 0, 1, block));
  assert.notEqual(await goawayTo(door, preface(), begin, ...full), 0);
  const empty = range(20_000, () => frame(frameTypes.continuation, 0, 1));
  assert.notEqual(await goawayTo(door, preface(), begin, ...empty), 0);
});

const floods: readonly (readonly [name: string, frame: Buffer])[] = [
  ["SETTINGS", frame(frameTypes.settings, 0, 0)],
  ["PING", pong],
  ["PRIORITY", frame(frameTypes.priority, 0, 1, Buffer.concat([integer(4, 3), Buffer.of(1)]))],
  ["empty DATA", frame(frameTypes.data, 0, 1)],
];

for (const [name, one] of floods) {
  test(`T3: a flood of ${name} ends, or costs no more than reading it`, options, async () => {
    await using door = await openHttp2Door(serveWith((client) => client.resumeRequest()));
    const socket = await door.connect();
    const reader = readFrames(socket);
    // Answers are not read: what is queued for them must not grow.
    socket.pause();
    socket.write(Buffer.concat([preface(), headers(1, post, 4)]));
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 20; round += 1) socket.write(Buffer.concat(range(5000, () => one)));
    socket.write(pong);
    socket.resume();
    await Promise.race([answerPing(reader).catch(() => {}), reader.goaway()]);
    assert.ok(process.memoryUsage().rss - before < 200 << 20);
    socket.destroy();
  });
}

test("T4: an HPACK bomb ends the connection, not only its streams", options, async () => {
  await using door = await openHttp2Door(neverServe());
  const socket = await door.connect();
  const reader = readFrames(socket);
  // A literal of 4,000 bytes that is indexed (RFC 7541 §6.2.1), and references to it.
  const entry = Buffer.concat([Buffer.of(0x40), literal("x"), literal("y".repeat(4000))]);
  const bomb = Buffer.concat([headerBlock(get()), Buffer.alloc(10_000, 0xbe)]);
  socket.write(Buffer.concat([preface(), frame(1, 5, 1, Buffer.concat([headerBlock(get()), entry]))]));
  let id = 3;
  const timer = setInterval(() => {
    socket.write(Buffer.concat(range(50, () => frame(1, 5, id += 2, bomb))));
  }, 5);
  const code = await reader.goaway();
  clearInterval(timer);
  assert.equal(code, enhanceYourCalm);
});

test("T4: a table size above the advertised one is COMPRESSION_ERROR", options, async () => {
  await using door = await openHttp2Door(neverServe());
  const update = Buffer.of(0x3f, 0xe1, 0xff, 0x03);
  assert.equal(await goawayTo(door, preface(), frame(1, 5, 1, Buffer.concat([update, headerBlock(get())]))), 9);
});

test("T5: a client whose windows stay closed is given up, and holds a bounded amount until then", options, async () => {
  const limits = { responseBodyIdleMs: 2_500 };
  let taken = 0;
  await using door = await openHttp2Door(
    serveWith((client) => {
      client.sendHead({ status: 200, fields: [], contentLength: undefined, hasBody: true, isTunnel: false }, false);
      while (client.sendData(Buffer.alloc(16_384))) taken += 16_384;
    }),
    limits,
  );
  const requests = range(50, (index) => headers(2 * index + 1, get()));
  assert.equal(await goawayTo(door, preface([4, 0]), ...requests), enhanceYourCalm);
  assert.ok(taken <= 50 * 128 * 1024, `${taken} bytes were taken`);
});

test("T5: a stream whose window stays closed is reset while others go on", options, async () => {
  const closed = Promise.withResolvers<number>();
  await using door = await openHttp2Door(
    serveWith((client) => {
      client.sendHead({ status: 200, fields: [], contentLength: undefined, hasBody: true, isTunnel: false }, false);
      client.sendData(Buffer.alloc(100));
      if (client.request.path === "/") return { onClientClosed: closed.resolve };
      const timer = setInterval(() => client.sendData(Buffer.alloc(100)), 20);
      return { onClientClosed: () => clearInterval(timer) };
    }),
    { responseBodyIdleMs: 1_000 },
  );
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(Buffer.concat([preface([4, 0]), headers(1, get()), headers(3, get().with(5, "/moves"))]));
  const timer = setInterval(() => socket.write(windowUpdate(3, 100)), 20);
  await reader.until(() => reader.frames.some(({ type, id }) => type === frameTypes.rstStream && id === 1));
  clearInterval(timer);
  assert.equal(await closed.promise, 8);
  assert.equal(reader.closed(), false);
  socket.destroy();
});

test("LIM4: an upload that stops, or drips, is cut", options, async () => {
  const closed = Promise.withResolvers<number>();
  const limits = { requestBodyIdleMs: 300 };
  await using door = await openHttp2Door(
    serveWith((client) => {
      client.resumeRequest();
      return { onClientClosed: closed.resolve };
    }),
    limits,
  );
  assert.equal(await resultOf(door, headers(1, post, 4)), "reset 11");
  assert.equal(await closed.promise, enhanceYourCalm);
});

test("T6: the settings are those of an edge", options, async () => {
  await using door = await openHttp2Door(serveWith(() => {}));
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(preface());
  await reader.until(() => reader.frames.length >= 3);
  const settings = reader.frames.find(({ type, flags }) => type === frameTypes.settings && flags === 0)?.payload ??
    Buffer.alloc(0);
  const found = new Map(
    range(settings.length / 6, (at) => [settings.readUInt16BE(6 * at), settings.readUInt32BE(6 * at + 2)]),
  );
  assert.equal(found.get(2) ?? 0, 0, "push");
  assert.equal(found.get(3), 100, "concurrent streams");
  assert.equal(found.get(4) ?? 65_535, 65_535, "initial window");
  assert.equal(found.get(5) ?? 16_384, 16_384, "frame size");
  assert.equal(found.get(6), 16_384, "header list");
  assert.equal(found.get(8), 1, "extended CONNECT");
  const update = reader.frames.find(({ type, id }) => type === frameTypes.windowUpdate && id === 0);
  assert.equal(update?.payload.readUInt32BE(0), (1 << 20) - 65_535, "connection window");
  socket.destroy();
});

test("T6: the stream above the limit is refused, and the others go on", options, async () => {
  let served = 0;
  await using door = await openHttp2Door(serveWith(() => void (served += 1)));
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(Buffer.concat([preface(), ...range(101, (index) => headers(2 * index + 1, get())), pong]));
  await Promise.race([answerPing(reader), reader.goaway()]).catch(() => {});
  assert.ok(served <= 100);
  socket.destroy();
});

test("T8: PRIORITY_UPDATE and unknown frames are ignored", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => answer(client, 204)));
  const update = frame(0x10, 0, 0, Buffer.concat([integer(4, 1), Buffer.from("u=0")]));
  assert.equal(await resultOf(door, update, frame(0xbe, 0xff, 0, Buffer.alloc(64)), headers(1, get())), "response");
});

test("T8: what is not HTTP/2, on a connection that agreed on it, ends the connection", options, async () => {
  await using door = await openHttp2Door(neverServe());
  const http1 = Buffer.from("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  for (const bytes of [http1, Buffer.alloc(64), preface().subarray(0, 24).fill(0, 20)]) {
    const socket = await door.connect();
    const reader = readFrames(socket);
    socket.write(bytes);
    await reader.goaway();
    assert.equal(reader.closed(), true);
  }
});

test("LIM6: a client that keeps its side open after the session has ended is cut off", options, async () => {
  await using door = await openHttp2Door(neverServe(), { clientKeepAliveMs: 1 });
  const socket = await door.connect({ allowHalfOpen: true });
  const reader = readFrames(socket);
  socket.write(preface());
  await reader.until(() => reader.frames.some(({ type }) => type === frameTypes.goaway));
  assert.equal(await door.connections(), 1);
  while (await door.connections() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
});

test("LIM6: a session without streams is closed, and so is one that is too old", options, async () => {
  await using idle = await openHttp2Door(serveWith(() => {}), { clientKeepAliveMs: 100 });
  assert.equal(await goawayTo(idle, preface()), 0);
  let requests = 0;
  await using old = await openHttp2Door(serveWith(() => void (requests += 1)), { connectionAgeMs: 100 });
  const socket = await old.connect();
  const reader = readFrames(socket);
  socket.write(Buffer.concat([preface(), headers(1, get())]));
  await reader.until(() => reader.frames.some(({ type }) => type === frameTypes.goaway));
  assert.deepEqual([requests, reader.closed()], [1, false]);
  socket.destroy();
});

const malformed: readonly (readonly [name: string, fields: readonly string[]])[] = [
  ["Connection", get("connection", "close")],
  ["Transfer-Encoding", get("transfer-encoding", "chunked")],
  ["Upgrade", get("upgrade", "websocket")],
  ["Keep-Alive", get("keep-alive", "timeout=1")],
  ["TE that asks for more than trailers", get("te", "gzip")],
  ["an upper-case name", get("X-A", "b")],
  ["a Host that differs", get("host", "b.test")],
  ["two Hosts", get("host", "a.test", "host", "a.test")],
  ["a blank in the path", get().with(5, "/a b")],
  ["a CR in the path", get().with(5, "/a\rb")],
  ["an LF in the path", get().with(5, "/a\nb")],
  ["no path", [":method", "GET", ":scheme", "https", ":authority", "a.test"]],
  ["an absolute path", get().with(5, "https://a.test/")],
  ["a fragment", get().with(5, "/a#b")],
  ["a blank in the method", get().with(1, "GE T")],
  ["user information in the authority", get().with(7, "me@a.test")],
  ["a blank in the authority", get().with(7, "a.test b")],
  ["two paths", [...get(), ":path", "/b"]],
  ["a pseudo-header behind a field", ["accept", "*/*", ...get()]],
  ["an unknown pseudo-header", [...get(), ":x", "y"]],
  ["two Content-Lengths", get("content-length", "0", "content-length", "0")],
  ["a Content-Length that is none", get("content-length", "+5")],
  ["a Content-Length without a body", get("content-length", "5")],
];

for (const [name, fields] of malformed) {
  test(`S11: ${name} is PROTOCOL_ERROR`, options, async () => {
    await using door = await openHttp2Door(neverServe());
    assert.equal(await resultOf(door, headers(1, fields)), "reset 1");
  });
}

test("S11: CR, LF, NUL or a blank in a field never arrives: nghttp2 drops the field", options, async () => {
  const seen: (readonly string[])[] = [];
  await using door = await openHttp2Door(serveWith((client) => {
    seen.push(client.request.fields);
    answer(client, 204);
  }));
  const bad = [["x", "a\r\nhost: evil"], ["x", "a\nb"], ["x", "a\0b"], ["x", "a\rb"], ["x a", "b"], ["x:a", "b"], [
    "x\0",
    "b",
  ], ["", "b"]];
  for (const [name = "", value = ""] of bad) {
    await resultOf(door, headers(1, get(name, value, "x-b", "c")));
    assert.deepEqual(seen.pop(), ["x-b", "c"]);
  }
});

test("S11: DATA that is shorter or longer than the Content-Length is PROTOCOL_ERROR", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => client.resumeRequest()));
  const send = (bytes: number) =>
    resultOf(door, headers(1, [...post, "content-length", "5"], 4), frame(frameTypes.data, 1, 1, Buffer.alloc(bytes)));
  assert.equal(await send(3), "reset 1");
  // Node takes it for a fault of the connection.
  assert.equal(await send(7), "goaway 2");
});

test("H6: CONNECT and TRACE are 405, an unknown expectation 417, a malformed authority 400", options, async () => {
  await using door = await openHttp2Door(neverServe());
  const vectors: readonly (readonly [number, readonly string[]])[] = [
    [405, [":method", "CONNECT", ":authority", "a.test:443"]],
    [405, get().with(1, "TRACE")],
    [417, get("expect", "the-unexpected")],
    [400, get().with(7, "a.test:x")],
  ];
  for (const [status, fields] of vectors) {
    assert.equal(await resultOf(door, headers(1, fields)), "response");
    assert.equal(door.refused.at(-1)?.status, status);
  }
});
