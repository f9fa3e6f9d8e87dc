import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { test } from "node:test";
import { type Client, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { parseGrpcTimeout } from "../l7/grpc-status.ts";
import { fieldOf } from "../l7/forwarded-fields.ts";
import {
  callUnary,
  echoImplementation,
  echoService,
  openGrpcClient,
  same,
  startGrpcServer,
} from "./testing/grpc-service.ts";
import { joinStreams } from "./testing/join-streams.ts";
import { openHttp2Door } from "./testing/open-http2-door.ts";
import { needsServer } from "./testing/skip-on-deno.ts";
import { createTestBackends, openAt } from "./testing/test-backends.ts";

const options = { ...needsServer, timeout: 20_000 };

/** A client whose calls go through a door to a gRPC server. */
async function openPath(implementation: UntypedServiceImplementation): Promise<{ client: Client } & AsyncDisposable> {
  const server = await startGrpcServer(implementation);
  const backends = createTestBackends();
  const door = await openHttp2Door(joinStreams(openAt(backends, server.port)));
  const client = openGrpcClient(door.port, door.rootPem);
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await door[Symbol.asyncDispose]();
      backends.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("G1: unary calls have their answer, status and trailers; an empty message too", options, async () => {
  await using path = await openPath(echoImplementation);
  for (const message of ["hello", "", "x".repeat(300_000)]) {
    const { value, error, trailers } = await callUnary(path.client, message);
    assert.deepEqual([error, value], [null, message]);
    assert.deepEqual(trailers.get("x-sum"), ["42"]);
  }
});

test("G1: an error that is only trailers keeps code and details", options, async () => {
  await using path = await openPath(echoImplementation);
  const { error } = await callUnary(path.client, "fail");
  assert.deepEqual([error?.code, error?.details], [status.NOT_FOUND, "nothing here"]);
});

test("G1: server, client and bidirectional streams", options, async () => {
  await using path = await openPath(echoImplementation);
  const { client } = path;
  const sizes: number[] = [];
  const server = client.makeServerStreamRequest(echoService.ServerStream.path, same, same, Buffer.from("x"));
  server.on("data", (message: Buffer) => void sizes.push(message.length));
  const [ended] = await once(server, "status");
  assert.deepEqual([ended.code, sizes.length, new Set(sizes)], [0, 100, new Set([5_000])]);

  const counted = Promise.withResolvers<string | undefined>();
  const writer = client.makeClientStreamRequest(echoService.ClientStream.path, same, same, (_error, value?: Buffer) => {
    counted.resolve(value?.toString());
  });
  for (let index = 0; index < 50; index += 1) writer.write(Buffer.alloc(10_000));
  writer.end();
  assert.equal(await counted.promise, "500000");

  const bidi = client.makeBidiStreamRequest(echoService.Bidi.path, same, same);
  for (const word of ["one", "two", "three"]) {
    bidi.write(Buffer.from(word));
    const [echo] = await once(bidi, "data");
    assert.equal(String(echo), word);
  }
  bidi.end();
  bidi.resume();
  const [closed] = await once(bidi, "status");
  assert.equal(closed.code, 0);
});

test("G3: a deadline of the client ends the call at the backend too", options, async () => {
  const cancelled = Promise.withResolvers<void>();
  await using path = await openPath({
    ...echoImplementation,
    Unary: (call: { on(event: "cancelled", listener: () => void): void }) =>
      call.on("cancelled", () => cancelled.resolve()),
  });
  const { error } = await callUnary(path.client, "hang", 200);
  assert.equal(error?.code, status.DEADLINE_EXCEEDED);
  await cancelled.promise;
});

test("G3: grpc-timeout reaches the exchange", options, async () => {
  let timeout: string | undefined;
  await using door = await openHttp2Door((stream) => {
    timeout = fieldOf(stream.request.fields, "grpc-timeout");
    stream.sendHead({
      status: 200,
      fields: ["grpc-status", "4"],
      contentLength: undefined,
      hasBody: false,
      isTunnel: false,
    }, false);
    stream.sendEnd([]);
    return { onRequestData() {}, onRequestEnd() {}, onResponseDrain() {}, onRequestFault() {}, onClientClosed() {} };
  });
  const client = openGrpcClient(door.port, door.rootPem);
  const { error } = await callUnary(client, "x", 5_000);
  client.close();
  assert.equal(error?.code, status.DEADLINE_EXCEEDED);
  const ms = parseGrpcTimeout(timeout ?? "");
  assert.ok(ms !== undefined && ms > 1_000 && ms <= 5_000, timeout);
});

test("G4: a cancelled call is cancelled at the backend", options, async () => {
  const begun = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  await using path = await openPath({
    ...echoImplementation,
    Bidi(call: { on(event: string, listener: () => void): void }) {
      begun.resolve();
      call.on("cancelled", () => cancelled.resolve());
    },
  });
  const call = path.client.makeBidiStreamRequest(echoService.Bidi.path, same, same);
  call.on("error", () => {});
  call.write(Buffer.from("x"));
  await begun.promise;
  call.cancel();
  await cancelled.promise;
});

test("G2: a call to a backend that is not there fails as UNAVAILABLE, not in another protocol", options, async () => {
  const backends = createTestBackends();
  await using door = await openHttp2Door(joinStreams(openAt(backends, 1)));
  const client = openGrpcClient(door.port, door.rootPem);
  const { error } = await callUnary(client, "x");
  client.close();
  assert.equal(error?.code, status.UNAVAILABLE);
});
