import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import type { ClientStream, RequestHead } from "../l7/streams.ts";
import { answerOf, ask, pingOf } from "./testing/ask.ts";
import { frame, frameTypes, get, headers, preface, readFrames } from "./testing/frames.ts";
import { answer } from "./testing/join-streams.ts";
import { openHttp2Door } from "./testing/open-http2-door.ts";
import { serveWith } from "./testing/serve-with.ts";
import { needsServer } from "./testing/skip-on-deno.ts";

const options = { ...needsServer, timeout: 20_000 };
const bodied = { status: 200, fields: [], contentLength: undefined, hasBody: true, isTunnel: false } as const;

test("createHttp2Edge() hands over the request and sends head, body and end", options, async () => {
  const heads: RequestHead[] = [];
  await using door = await openHttp2Door(serveWith((client) => {
    heads.push(client.request);
    client.sendHead(
      { ...bodied, fields: ["Content-Type", "text/plain", "Set-Cookie", "a=1", "Set-Cookie", "b=2"] },
      false,
    );
    client.sendData(Buffer.from("hello "));
    client.sendData(Buffer.from("world"));
    client.sendEnd([]);
  }));
  const session = door.session();
  const got = await ask(session, {
    path: "/x?y=1",
    fields: ["accept", "*/*", "cookie", "a=1", "cookie", "b=2", "x-real-ip", "6.6.6.6"],
  });
  session.close();
  assert.equal(got.body, "hello world");
  assert.deepEqual(got.fields.slice(0, 6), ["content-type", "text/plain", "set-cookie", "a=1", "set-cookie", "b=2"]);
  assert.deepEqual(heads[0], {
    version: "2",
    method: "GET",
    path: "/x?y=1",
    authority: "a.test",
    fields: ["accept", "*/*", "cookie", "a=1; b=2"],
    bodyLength: 0,
    expectsContinue: false,
    acceptsTrailers: true,
    upgrade: undefined,
    via: "",
    claimedFor: "",
    claimedId: "",
  });
});

test(
  "G1: a response that is only a head is one frame, whether or not it was announced as bodiless",
  options,
  async () => {
    await using door = await openHttp2Door(serveWith((client) => {
      client.sendHead({ ...bodied, hasBody: client.request.path === "/late", fields: ["grpc-status", "5"] }, false);
      client.sendEnd([]);
    }));
    const session = door.session();
    for (const path of ["/", "/late"]) {
      const got = await ask(session, { path });
      assert.equal(got.isOneFrame, true);
      assert.deepEqual(got.fields.slice(0, 2), ["grpc-status", "5"]);
    }
    session.close();
  },
);

test("H11: trailers reach the client, at once and after a while, behind data and alone", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => {
    client.sendHead(bodied, false);
    if (client.request.path !== "/empty") client.sendData(Buffer.from("x"));
    if (client.request.path === "/late") setImmediate(() => client.sendEnd(["Grpc-Status", "0"]));
    else client.sendEnd(["Grpc-Status", "0"]);
  }));
  const session = door.session();
  for (const path of ["/", "/late", "/empty"]) {
    const got = await ask(session, { path });
    assert.deepEqual(got.trailers, ["grpc-status", "0"], path);
    assert.equal(got.body, path === "/empty" ? "" : "x");
  }
  session.close();
});

test("H7: 100, 102 and 103 come before the final response", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => {
    client.sendInformational(100, []);
    client.sendInformational(103, ["Link", "</a.css>"]);
    answer(client, 204);
    // Too late: there is a final response.
    client.sendInformational(103, []);
  }));
  const session = door.session();
  const stream = session.request({ ":path": "/" });
  const seen: unknown[] = [];
  stream.on("headers", (_headers, _flags, raw) => void seen.push(raw));
  assert.equal((await answerOf(stream)).status, 204);
  assert.deepEqual(seen, [[":status", "100"], [":status", "103", "link", "</a.css>"]]);
  session.close();
});

test(
  "createHttp2Edge() delivers the request's body and trailers, and nothing before it is asked for",
  options,
  async () => {
    await using door = await openHttp2Door(serveWith((client) => {
      const chunks: Buffer[] = [];
      let resumed = false;
      setImmediate(() => {
        resumed = true;
        client.resumeRequest();
      });
      return {
        onRequestData(chunk) {
          assert.ok(resumed);
          chunks.push(chunk);
        },
        onRequestEnd: (trailers) => answer(client, 200, `${Buffer.concat(chunks).length} ${trailers.join("=")}`),
      };
    }));
    const session = door.session();
    const stream = session.request({ ":method": "POST", "content-length": 300_000 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1", "set-cookie": "a=1", host: "b" }));
    stream.end(Buffer.alloc(300_000));
    assert.equal((await answerOf(stream)).body, "300000 x-sum=1");
    session.close();
  },
);

test("G5: a request that is held back stops the client within its window", options, async () => {
  let bytes = 0;
  const begun = Promise.withResolvers<ClientStream>();
  await using door = await openHttp2Door(serveWith((client) => {
    begun.resolve(client);
    return {
      onRequestData: (chunk) => void (bytes += chunk.length),
      onRequestEnd: () => answer(client, 200, String(bytes)),
    };
  }));
  const socket = await door.connect();
  const reader = readFrames(socket);
  socket.write(Buffer.concat([preface(), headers(1, get().with(1, "POST"), 4)]));
  for (let left = 65_535; left > 0; left -= 16_384) {
    socket.write(frame(frameTypes.data, 0, 1, Buffer.alloc(Math.min(left, 16_384))));
  }
  socket.write(frame(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  await reader.until(() => reader.frames.some(({ type, flags }) => type === frameTypes.ping && flags === 1));
  const credit = () => reader.frames.filter(({ type, id }) => type === frameTypes.windowUpdate && id === 1).length;
  assert.deepEqual([credit(), bytes], [0, 0]);
  (await begun.promise).resumeRequest();
  await reader.until(() => credit() > 0);
  socket.write(frame(frameTypes.data, 1, 1));
  await reader.until(() => reader.frames.some(({ type, id }) => type === frameTypes.headers && id === 1));
  assert.equal(bytes, 65_535);
  socket.destroy();
});

test("G5: pauseRequest() holds what is on its way", options, async () => {
  let bytes = 0;
  const paused = Promise.withResolvers<ClientStream>();
  await using door = await openHttp2Door(serveWith((client) => {
    client.resumeRequest();
    return {
      onRequestData(chunk) {
        bytes += chunk.length;
        client.pauseRequest();
        paused.resolve(client);
      },
      onRequestEnd: () => answer(client, 200, String(bytes)),
    };
  }));
  const session = door.session();
  const stream = session.request({ ":method": "POST" });
  const answered = answerOf(stream);
  const total = 1 << 20;
  stream.end(Buffer.alloc(total));
  const client = await paused.promise;
  await pingOf(session);
  await pingOf(session);
  assert.ok(bytes <= 65_536, `${bytes} bytes came after the pause`);
  let isAnswered = false;
  void answered.then(() => void (isAnswered = true));
  while (!isAnswered) {
    client.resumeRequest();
    await pingOf(session);
  }
  assert.equal((await answered).body, String(total));
  session.close();
});

test("G5: sendData() says when to wait, and the drain comes as the client reads", options, async () => {
  let sent = 0, waits = 0;
  const total = 4 << 20;
  await using door = await openHttp2Door(serveWith((client) => {
    client.sendHead(bodied, false);
    const pump = () => {
      while (sent < total) {
        sent += 16_384;
        if (client.sendData(Buffer.alloc(16_384))) continue;
        waits += 1;
        return;
      }
      client.sendEnd([]);
    };
    pump();
    return { onResponseDrain: pump };
  }));
  const session = door.session();
  const stream = session.request({ ":path": "/" });
  await once(stream, "response");
  await pingOf(session);
  assert.ok(sent < 512 * 1024, `${sent} bytes were taken for a client that does not read`);
  let read = 0;
  stream.on("data", (chunk: Buffer) => void (read += chunk.length));
  await once(stream, "end");
  assert.equal(read, total);
  assert.ok(waits > 10);
  session.close();
});

test("G4: a reset of either side has its code", options, async () => {
  const closed = Promise.withResolvers<number>();
  await using door = await openHttp2Door(serveWith((client) => {
    client.sendHead(bodied, false);
    client.sendData(Buffer.from("x"));
    if (client.request.path === "/reset") setImmediate(() => client.reset(11));
    return { onClientClosed: closed.resolve };
  }));
  const session = door.session();
  await assert.rejects(ask(session, { path: "/reset" }), /reset with 11/);
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => {});
  await once(stream, "response");
  stream.close(3);
  assert.equal(await closed.promise, 3);
  session.close();
});

test("H10: a response that breaks off never ends cleanly", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => {
    client.sendHead(bodied, false);
    client.sendData(Buffer.alloc(200_000));
    client.reset(2);
  }));
  const session = door.session();
  await assert.rejects(ask(session), /reset with 2/);
  session.close();
});

test(
  "H10: a reset of a stream on which all was sent has no END_STREAM before it, in a tunnel either",
  options,
  async () => {
    await using door = await openHttp2Door(serveWith((client) => {
      const isTunnel = client.request.upgrade !== undefined;
      client.sendHead({ ...bodied, isTunnel, hasBody: !isTunnel }, false);
      client.sendData(Buffer.from("x"));
      setTimeout(() => client.reset(2), 20);
    }));
    const tunnel = [":method", "CONNECT", ":protocol", "websocket", ...get().slice(2)];
    for (const head of [headers(1, get()), headers(1, tunnel, 4)]) {
      const socket = await door.connect();
      const reader = readFrames(socket);
      socket.write(Buffer.concat([preface(), head]));
      await reader.until(() => reader.frames.some(({ type }) => type === frameTypes.rstStream));
      const data = reader.frames.filter(({ type }) => type === frameTypes.data);
      assert.deepEqual(data.map(({ flags }) => flags & 1), data.map(() => 0));
      socket.destroy();
    }
  },
);

test("createHttp2Edge() answers early and stops the upload without an error", options, async () => {
  await using door = await openHttp2Door(serveWith((client) => {
    client.resumeRequest();
    let isFirst = true;
    return {
      onRequestData() {
        if (isFirst) answer(client, 403, "no");
        isFirst = false;
      },
    };
  }));
  const session = door.session();
  const stream = session.request({ ":method": "POST" });
  stream.write(Buffer.alloc(50_000));
  const got = await answerOf(stream);
  assert.deepEqual([got.status, got.body, stream.rstCode], [403, "no", 0]);
  session.close();
});

test("createHttp2Edge() breaks off a response that cannot be written in HTTP/2", options, async () => {
  const closed = Promise.withResolvers<number>();
  await using door = await openHttp2Door(serveWith((client) => {
    setImmediate(() => client.sendHead({ ...bodied, hasBody: false, fields: ["x", "a\0b"] }, false));
    return { onClientClosed: closed.resolve };
  }));
  const session = door.session();
  await assert.rejects(ask(session), /reset with 2/);
  assert.equal(await closed.promise, 2);
  session.close();
});

test("T7: drain() lets streams finish, refuses new ones, and closes", options, async () => {
  let client: ClientStream | undefined;
  await using door = await openHttp2Door(serveWith((one) => void (client = one)));
  const session = door.session();
  const idle = door.session();
  await once(idle, "remoteSettings");
  const running = ask(session);
  while (client === undefined) await new Promise((resolve) => setImmediate(resolve));
  const goaways = [once(session, "goaway"), once(idle, "goaway")];
  const closes = [once(session, "close"), once(idle, "close")];
  door.edge.drain();
  const [goaway] = await Promise.all(goaways);
  assert.deepEqual(goaway?.slice(0, 2), [0, 1]);
  await assert.rejects(ask(session));
  answer(client, 200, "done");
  assert.equal((await running).body, "done");
  await Promise.all(closes);
});

test(
  "RFC 8441: an extended CONNECT is an upgrade, and both directions are raw and end on their own",
  options,
  async () => {
    const heads: RequestHead[] = [];
    await using door = await openHttp2Door(serveWith((client) => {
      heads.push(client.request);
      client.sendHead({ ...bodied, status: 101, hasBody: false, isTunnel: true }, false);
      client.resumeRequest();
      return {
        onRequestData: (chunk) => void client.sendData(chunk),
        onRequestEnd() {
          client.sendData(Buffer.from("bye"));
          client.sendEnd([]);
        },
      };
    }));
    const session = door.session();
    await once(session, "remoteSettings");
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const stream = session.request({
      ":method": "CONNECT",
      ":protocol": "WebSocket",
      ":path": "/ws",
      ":authority": "a.test",
    });
    const answered = answerOf(stream);
    stream.write("ping ");
    const [chunk] = await once(stream, "data");
    assert.equal(String(chunk), "ping ");
    stream.end();
    assert.equal((await answered).body, "ping bye");
    assert.equal(heads[0]?.upgrade, "websocket");
    assert.equal(heads[0]?.method, "CONNECT");
    session.close();
  },
);
