import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { array, assert as check, asyncProperty, constantFrom, integer, tuple, uint8Array } from "fast-check";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { decodeLogFrames, type LogFrame } from "./log-frames.ts";

function encode(stream: "stdout" | "stderr", bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(8);
  head[0] = stream === "stdout" ? 1 : 2;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(bytes: Uint8Array, size: number): Promise<LogFrame[]> {
  const frames: LogFrame[] = [];
  for await (const frame of decodeLogFrames(inChunks(bytes, size))) frames.push(frame);
  return frames;
}

test("decodeLogFrames() gives back what was framed, whatever the chunk borders", async () => {
  const frame = tuple(constantFrom<"stdout" | "stderr">("stdout", "stderr"), uint8Array({ maxLength: 40 }));
  await check(
    asyncProperty(array(frame, { maxLength: 6 }), integer({ min: 1, max: 17 }), async (frames, size) => {
      const bytes = Buffer.concat(frames.map(([stream, payload]) => encode(stream, payload)));
      const expected = frames.map(([stream, payload]) => ({ stream, bytes: Uint8Array.from(payload) }));
      assert.deepEqual(await readAll(bytes, size), expected);
    }),
  );
});

test("decodeLogFrames() throws nothing but podman-failed on any bytes", async () => {
  await check(
    asyncProperty(uint8Array({ maxLength: 64 }), async (bytes) => {
      await readAll(bytes, 5).catch((error: unknown) => {
        assert.ok(error instanceof PlatformError && error.code === "podman-failed");
      });
    }),
  );
});

test("decodeLogFrames() refuses a frame above its limit", async () => {
  const head = Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  await assert.rejects(readAll(head, 8), /4294967295 bytes/);
});
