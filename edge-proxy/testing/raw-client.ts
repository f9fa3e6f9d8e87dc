import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How a connection ended for a client, and what came before that. */
export interface RawEnding {
  readonly bytes: Buffer;
  readonly kind: "ended" | "reset";
}

/** A TCP connection to loopback that may be half-closed, and that fails without noise. */
export async function connectRaw(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => socket.destroy());
  return socket;
}

/** Everything until the proxy ends or resets the connection. Never rejects. */
export function readEnding(socket: Socket): Promise<RawEnding> {
  const { promise, resolve } = Promise.withResolvers<RawEnding>();
  const chunks: Buffer[] = [];
  const finish = (kind: RawEnding["kind"]) => resolve({ bytes: Buffer.concat(chunks), kind });
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  socket.on("end", () => {
    finish("ended");
    socket.destroy();
  });
  socket.on("error", () => finish("reset")).on("close", () => finish("reset"));
  socket.resume();
  return promise;
}

/** Sends `bytes`, then reads until the proxy ends or resets the connection. */
export async function sendRaw(port: number, bytes: Uint8Array): Promise<RawEnding> {
  const socket = await connectRaw(port);
  const ending = readEnding(socket);
  socket.write(bytes);
  return await ending;
}

/** The alert of a TLS alert record (RFC 8446 §6); `undefined` when the bytes are none. */
export function alertIn(bytes: Uint8Array): number | undefined {
  return bytes.length === 7 && bytes[0] === 21 && bytes[5] === 2 ? bytes[6] : undefined;
}
