import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { backendAt, openTestProxy, routeTo } from "../testing/open-test-proxy.ts";
import { targetOf } from "../testing/target-of.ts";
import { startHttpBackend, startTcpBackend } from "../testing/test-backend.ts";
import { askRaw, connectTls } from "../testing/test-client.ts";

const handshake = "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** A backend that accepts the upgrade, says hello at once, and echoes. */
function startEcho() {
  return startHttpBackend((_request, response) => void response.writeHead(403).end("no"), (server) => {
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      if (request.url === "/refuse") return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
      const key = request.headers["sec-websocket-key"];
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: ${key}\r\n\r\nhello`,
      );
      socket.write(head);
      socket.pipe(socket);
    });
  });
}

test("a WebSocket passes both ways, early bytes included", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const text = await askRaw(targetOf(fixture), `${handshake}early`, "early");
  assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(text, /X-Key: dGhlIHNhbXBsZSBub25jZQ==/);
  assert.match(text, /\r\n\r\nhelloearly$/);
});

test("a WebSocket lives through changes of its route, and counts as draining", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port, "web-old")));
  const socket = await connectTls(targetOf(fixture));
  socket.write(handshake);
  await once(socket, "data");
  await fixture.serve();
  await fixture.reported(({ draining }) => draining["web-old"] === 1);
  socket.write("still here");
  let text = "";
  while (!text.includes("still here")) text += String((await once(socket, "data"))[0]);
  socket.end();
  await fixture.reported(({ appliedRevision, draining }) => appliedRevision === 2 && draining["web-old"] === undefined);
});

test("a backend's refusal of the upgrade is passed on", { timeout: 20_000 }, async () => {
  await using backend = await startEcho();
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  const text = await askRaw(targetOf(fixture), handshake.replace("/ws", "/refuse"));
  assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.match(text, /no$/);
});

test("an upgrade without a reachable instance gives 502", { timeout: 20_000 }, async () => {
  const backend = await startEcho();
  await backend[Symbol.asyncDispose]();
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  assert.match(await askRaw(targetOf(fixture), handshake), /^HTTP\/1\.1 502 /);
});

test("a status below 100 instead of the switch gives 502", { timeout: 20_000 }, async () => {
  const low = "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n";
  await using backend = await startTcpBackend((socket) => void socket.once("data", () => socket.end(low)));
  await using fixture = await openTestProxy();
  await fixture.serve(routeTo("a.test", "l7", backendAt(backend.port)));
  assert.match(await askRaw(targetOf(fixture), handshake), /^HTTP\/1\.1 502 /);
});
