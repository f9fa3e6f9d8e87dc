import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { createTestAuthority } from "../testing/test-authority.ts";
import { startTlsBackend } from "../testing/test-backend.ts";
import { connectTls } from "../testing/test-client.ts";
import { WriteBatch } from "./write-batch.ts";

test("push() sends text as latin1, alone, together, and behind what waits", { timeout: 20_000 }, async () => {
  const authority = await createTestAuthority();
  const received = Promise.withResolvers<Buffer>();
  await using backend = await startTlsBackend(await authority.issue("a.test"), (socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => void chunks.push(chunk)).on("end", () => received.resolve(Buffer.concat(chunks)));
  });
  const socket = await connectTls({ port: backend.port, rootPem: authority.rootPem, hostname: "a.test" });
  const batch = new WriteBatch(socket);
  const large = Buffer.alloc(40_000, 1);
  const sent: Buffer[] = [];
  const push = (...pieces: (string | Buffer)[]) => {
    for (const piece of pieces) {
      sent.push(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
      batch.push(piece);
    }
    batch.flush();
  };
  push("\xe9");
  push("\xe8");
  push("\xe7", "\xe6");
  push("\xe5", large, "\xe4", large);
  push("\xe3");
  socket.end();
  assert.ok((await received.promise).equals(Buffer.concat(sent)));
});
