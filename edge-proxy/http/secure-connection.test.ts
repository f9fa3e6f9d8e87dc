import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { waitUntil } from "#shared/lifecycle/wait.ts";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startTcpBackend } from "../testing/test-backend.ts";
import { connectTls } from "../testing/test-client.ts";

const request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

test("a connection goes on after a body that came later than its head", { timeout: 20_000 }, async () => {
  const asked = Promise.withResolvers<Socket>();
  await using backend = await startTcpBackend((socket) => void socket.once("data", () => asked.resolve(socket)));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const client = await connectTls(targetOf(fixture));
  let answer = "";
  client.on("data", (chunk) => void (answer += String(chunk)));
  const answered = (ending: string) =>
    waitUntil(() => answer.endsWith(ending) || undefined, { action: `see "${ending}"`, timeoutMs: 3_000 });

  client.write(request);
  const socket = await asked.promise;
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  await answered("\r\n\r\n");
  socket.write("one");
  await answered("one");

  client.write(request);
  await once(socket, "data");
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
  await answered("two");
  client.destroy();
  await fixture.serve();
  assert.deepEqual(fixture.proxy.currentReport().draining, {});
});
