// Child process of the soak benchmark: opens TLS connections, gets one answer on each, and keeps them. Says {"open":N} when asked.
import { connect, type TLSSocket } from "node:tls";
import process from "node:process";
import { benchHost } from "./h2load.ts";

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const atATime = 32;
const answerWithinMs = 30_000;
const sockets = new Set<TLSSocket>();
const request = `GET /1k HTTP/1.1\r\nHost: ${benchHost}\r\n\r\n`;
let remaining = count;

/** Resolves when the whole answer is here: its body are the last 1,024 bytes, all of them `x`. */
function openOne(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername: benchHost, rejectUnauthorized: false });
    let tail = "";
    socket.once("secureConnect", () => socket.write(request));
    socket.on("data", (chunk: Uint8Array) => {
      tail = (tail + String(chunk)).slice(-1024);
      if (/^x{1024}$/.test(tail)) resolve();
    });
    socket.once("error", reject);
    socket.once("close", () => {
      sockets.delete(socket);
      reject(new Error("a connection was closed before its answer"));
    });
    sockets.add(socket);
    const reason = `only ${sockets.size - 1} connections were answered: the next was not within ${answerWithinMs} ms`;
    setTimeout(() => reject(new Error(reason)), answerWithinMs).unref();
  });
}

async function openInTurn(): Promise<void> {
  while (remaining > 0) {
    remaining -= 1;
    await openOne();
  }
}

process.on("message", () => process.send?.({ open: sockets.size }));
process.on("disconnect", () => process.exit());
await Promise.all(Array.from({ length: atATime }, openInTurn));
process.send?.({ open: sockets.size });
