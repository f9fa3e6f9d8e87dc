import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { z } from "zod";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { assertPortFree, findFreePort } from "./ports.ts";

const Bound = z.object({ port: z.int() });

test("assertPortFree() names the port and the flag when TCP is taken, and findFreePort() finds another", async (context) => {
  const server = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  context.after(() => void server.close());
  const { port } = Bound.parse(server.address());
  await assert.rejects(
    assertPortFree({ address: "127.0.0.1", port, protocols: ["tcp"], flag: "--proxy-port" }),
    (error) =>
      error instanceof PlatformError && error.code === "conflict" && error.message.includes(String(port)) &&
      error.message.includes("--proxy-port"),
  );
  const other = await findFreePort("127.0.0.1", port);
  assert.notEqual(other, port);
  await assertPortFree({ address: "127.0.0.1", port: other, protocols: ["tcp", "udp"], flag: "--x" });
  assert.equal(await findFreePort("127.0.0.1", other), other);
});

test("assertPortFree() notices that UDP is taken", async (context) => {
  const socket = createSocket("udp4").bind({ address: "127.0.0.1", port: 0 });
  await once(socket, "listening");
  context.after(() => void socket.close());
  const { port } = Bound.parse(socket.address());
  await assert.rejects(
    assertPortFree({ address: "127.0.0.1", port, protocols: ["tcp", "udp"], flag: "--dns-port" }),
    /udp port \d+ .*--dns-port/,
  );
});
