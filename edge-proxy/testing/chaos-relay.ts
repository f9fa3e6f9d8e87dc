import { Buffer } from "node:buffer";
import { connect, createServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { toRecords } from "./client-hello-bytes.ts";

/** What a relay does to what clients send; passes it on as it comes unless told otherwise. */
export interface Chaos {
  /** Sends what the client sends in packets of so many bytes. */
  readonly pieceBytes?: number;
  /** Cuts the first record, which must be a ClientHello, into records of so many bytes. */
  readonly recordBytes?: number;
}

/** A relay between clients and a port on loopback. */
export interface ChaosRelay extends AsyncDisposable {
  readonly port: number;
  /** What the latest client has sent so far, as it was passed on. */
  fromClient(): Buffer;
  /** Ends what it has open towards `port`: by a reset, by closing, or by a half-close after which it goes on reading. */
  cut(how: Cut): void;
}

/** Ways in which a client goes away; after `end` it is still there, and says nothing. */
export type Cut = "reset" | "close" | "end";

/** A relay in front of `port`. A side that closes or fails takes the other along. */
export async function openChaosRelay(port: number, chaos: Chaos = {}): Promise<ChaosRelay> {
  const sockets = new Set<Socket>();
  const upstreams = new Set<Socket>();
  let passed: Buffer[] = [];
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    passed = [];
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    upstreams.add(upstream);
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(one);
      one.on("error", () => one.destroy());
      one.on("close", () => {
        sockets.delete(one);
        upstreams.delete(one);
        other.destroy();
      });
    }
    upstream.pipe(client);
    void passOn(client, upstream, { ...chaos, passed });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    fromClient: () => Buffer.concat(passed),
    cut(how) {
      for (const upstream of upstreams) {
        if (how === "reset") upstream.resetAndDestroy();
        else if (how === "close") upstream.destroy();
        else upstream.end();
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

async function passOn(
  client: Socket,
  upstream: Socket,
  { pieceBytes = Infinity, recordBytes, passed }: Chaos & { readonly passed: Buffer[] },
): Promise<void> {
  const waiting: Buffer[] = [];
  let wake = Promise.withResolvers<void>();
  let isFirst = recordBytes !== undefined;
  client.on("data", (chunk: Buffer) => {
    waiting.push(chunk);
    wake.resolve();
  });
  while (!upstream.destroyed && upstream.writable) {
    await Promise.race([wake.promise, closed(upstream)]);
    wake = Promise.withResolvers<void>();
    let bytes = Buffer.concat(waiting.splice(0));
    if (isFirst && recordBytes !== undefined) {
      if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) {
        waiting.unshift(bytes);
        continue;
      }
      const end = 5 + bytes.readUInt16BE(3);
      bytes = Buffer.concat([toRecords(bytes.subarray(5, end), recordBytes), bytes.subarray(end)]);
      isFirst = false;
    }
    for (let at = 0; at < bytes.length && upstream.writable; at += pieceBytes) {
      const piece = bytes.subarray(at, at + Math.min(pieceBytes, bytes.length));
      passed.push(piece);
      upstream.write(piece);
      await setImmediate();
    }
  }
}

function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => void socket.once("close", resolve));
}
