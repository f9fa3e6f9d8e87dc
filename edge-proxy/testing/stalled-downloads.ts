/**
 * A program of its own, so that its memory is not the proxy's: a backend whose responses never end, and clients that ask for them and
 * read nothing. Prints the backend's port, takes `<port of the proxy> <clients>`, says `connected`, takes any line, and says `stalled` once
 * no byte moves any more.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import process from "node:process";
import { createInterface } from "node:readline";
import { connect, type TLSSocket } from "node:tls";
import { waitUntil } from "#shared/lifecycle/wait.ts";

const piece = Buffer.alloc(64 * 1024);
const stalled = new Set<ServerResponse>();
let moves = 0;

const backend = createServer((_request, response) => {
  const send = () => {
    stalled.delete(response);
    moves += 1;
    while (response.write(piece)) moves += 1;
    stalled.add(response);
  };
  response.on("drain", send).on("close", () => stalled.delete(response));
  send();
});
await once(backend.listen(0, "127.0.0.1"), "listening");
const address = backend.address();
console.log(address !== null && typeof address === "object" ? address.port : 0);
const input = createInterface(process.stdin);
const [line] = await once(input, "line");
const [port = 0, clients = 0] = String(line).split(" ").map(Number);

async function open(): Promise<TLSSocket> {
  // Whether the name is right is not what is tried here.
  const socket = connect({ host: "127.0.0.1", port, servername: "a.test", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return socket.on("error", () => socket.destroy()).pause();
}

const sockets: TLSSocket[] = [];
while (sockets.length < clients) sockets.push(...await Promise.all(Array.from({ length: 20 }, open)));
console.log("connected");
await once(input, "line");
for (const socket of sockets) socket.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
let before = -1;
await waitUntil(() => {
  const isStill = moves === before && stalled.size === clients;
  before = moves;
  return isStill || undefined;
}, { action: "see all downloads stall", timeoutMs: 60_000, intervalMs: 500 });
console.log("stalled");
